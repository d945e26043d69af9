// A message of 200 bytes to a process and back, one after another: what a language server's client does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { localBackend } from '@companion/backend-local/backend';
import { startCompanion } from '@companion/core';
import { execa } from 'execa';
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { compare } from './measure/statistics.mjs';

const MESSAGE = Buffer.alloc(200, 'm');
const TRIPS_PER_SAMPLE = 300;
const RAW = 'raw pipes';

await figure('round-trip', 'Round trip of 200 bytes through `cat`', async () => {
  const companion = await startCompanion({ backends: [localBackend], sourceDir: import.meta.dirname });
  const raw = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] });
  const viaExeca = execa('cat', { buffer: false, encoding: 'buffer' });
  const viaCompanion = await companion.spawn('cat');
  const peers = { [RAW]: raw, execa: viaExeca, companion: viaCompanion };
  const contenders = Object.fromEntries(
    Object.entries(peers).map(([name, { stdin, stdout }]) => {
      const trip = roundTrips(stdin, stdout);
      return [name, () => microsecondsPerTrip(trip)];
    }),
  );
  const samples = await alternate(contenders, { rounds: 150, warmups: 5, budgetMs: 12_000 });
  const rawEnd = once(raw, 'close');
  for (const { stdin } of Object.values(peers)) stdin.end();
  await Promise.all([rawEnd, viaExeca, viaCompanion.wait()]);
  await companion.shutdown();
  return {
    tables: [
      {
        title: `Per round trip, from samples of ${TRIPS_PER_SAMPLE}.`,
        unit: 'µs',
        baseline: RAW,
        rows: compare(samples, { baseline: RAW }),
      },
    ],
  };
});

async function microsecondsPerTrip(trip) {
  const startedAt = performance.now();
  for (let number = 0; number < TRIPS_PER_SAMPLE; number++) await trip();
  return ((performance.now() - startedAt) * 1000) / TRIPS_PER_SAMPLE;
}

/** A function that sends the message and resolves once as many bytes have come back. */
function roundTrips(stdin, stdout) {
  let missing = 0;
  let arrived = () => {};
  stdout.on('data', (chunk) => {
    missing -= chunk.length;
    if (missing === 0) arrived();
  });
  return () =>
    new Promise((resolve) => {
      missing = MESSAGE.length;
      arrived = resolve;
      stdin.write(MESSAGE);
    });
}
