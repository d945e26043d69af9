// How fast the output of a process arrives: as a stream whose bytes are counted, and collected in memory.
import { spawn } from 'node:child_process';
import { localBackend } from '@companion/backend-local/backend';
import { startCompanion } from '@companion/core';
import { execa } from 'execa';
import { x } from 'tinyexec';
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { compare } from './measure/statistics.mjs';

const STREAMED_MIB = 256;
const COLLECTED_MIB = 96;
const RAW_STREAM = 'raw pipe, counted';
const RAW_COLLECTED = 'raw pipe, collected';
/** More than what is produced; execa's and companion's defaults are 100 MB. */
const MAXIMUM = 2 ** 30;

await figure('stdout-throughput', 'Throughput of stdout', async () => {
  const companion = await startCompanion({ backends: [localBackend], sourceDir: import.meta.dirname });
  const streams = await alternate(streaming(companion, producer(STREAMED_MIB)), {
    rounds: 16,
    budgetMs: 7000,
  });
  const collected = await alternate(collecting(companion, producer(COLLECTED_MIB)), {
    rounds: 12,
    budgetMs: 9000,
  });
  await companion.shutdown();
  return {
    tables: [
      {
        title: `${STREAMED_MIB} MiB, counted as they come.`,
        unit: 'MiB/s',
        baseline: RAW_STREAM,
        rows: compare(streams, { baseline: RAW_STREAM }),
      },
      {
        title: `${COLLECTED_MIB} MiB, collected in memory; text is decoded from UTF-8.`,
        unit: 'MiB/s',
        baseline: RAW_COLLECTED,
        rows: compare(collected, { baseline: RAW_COLLECTED }),
      },
    ],
  };
});

function streaming(companion, { mebibytes, command }) {
  const contenders = {
    [RAW_STREAM]: () => counted(rawOutput(command)),
    'execa, buffer: false': async () => {
      const child = execa(...command, { stdin: 'ignore', buffer: false, encoding: 'buffer' });
      const bytes = await counted(child.stdout);
      await child;
      return bytes;
    },
    'companion spawn': async () => {
      const child = await companion.spawn(...command, { stdin: 'ignore' });
      const bytes = await counted(child.stdout);
      await child.wait();
      return bytes;
    },
  };
  return timed(contenders, mebibytes);
}

function collecting(companion, { mebibytes, command }) {
  const ofExeca = { stdin: 'ignore', maxBuffer: MAXIMUM, stripFinalNewline: false };
  const contenders = {
    [RAW_COLLECTED]: async () => (await collect(rawOutput(command))).length,
    'execa, bytes': async () => (await execa(...command, { ...ofExeca, encoding: 'buffer' })).stdout.length,
    'companion run, bytes': async () =>
      (await companion.run(...command, { maxOutputBytes: MAXIMUM, encoding: 'buffer' })).stdout.length,
    'tinyexec, text': async () => (await x(...command)).stdout.length,
    'execa, text': async () => (await execa(...command, ofExeca)).stdout.length,
    'companion run, text': async () =>
      (await companion.run(...command, { maxOutputBytes: MAXIMUM })).stdout.length,
  };
  return timed(contenders, mebibytes);
}

function producer(mebibytes) {
  return { mebibytes, command: ['dd', ['if=/dev/zero', 'bs=1048576', `count=${mebibytes}`, 'status=none']] };
}

function rawOutput(command) {
  return spawn(...command, { stdio: ['ignore', 'pipe', 'ignore'] }).stdout;
}

/** Turns transfers, which resolve with the number of bytes they saw, into samples in MiB per second. */
function timed(transfers, mebibytes) {
  const sample = async (transfer) => {
    const startedAt = performance.now();
    const bytes = await transfer();
    const seconds = (performance.now() - startedAt) / 1000;
    if (bytes !== mebibytes * 2 ** 20) throw new Error(`expected ${mebibytes} MiB, got ${bytes} bytes`);
    return mebibytes / seconds;
  };
  return Object.fromEntries(
    Object.entries(transfers).map(([name, transfer]) => [name, () => sample(transfer)]),
  );
}

function counted(stream) {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    stream.on('data', (chunk) => {
      bytes += chunk.length;
    });
    stream.once('error', reject);
    stream.once('end', () => resolve(bytes));
  });
}

function collect(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('end', () => resolve(Buffer.concat(chunks)));
  });
}
