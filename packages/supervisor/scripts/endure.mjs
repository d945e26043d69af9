// `npm run endure -- [commands|streams|owners] …` in packages/supervisor: what takes too long for every change. Prints
// what it sees and fails when something grows, differs or is left. After a build.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { connectSupervisor, supervisorBinary } from '@companion/supervisor';

const COMMANDS = 200_000;
const AT_ONCE = 8;
const GIBIBYTE = 1024 ** 3;
const STREAMS = 100;
const TREE = 500;
const KILLS = 50;
const GONE_MS = 1000;

const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
const command = (file, args = [], stdin = 'ignore') => ({ file, args, env, cwd: '/', stdin });

async function start() {
  const child = spawn(supervisorBinary(), { env, stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, supervisor: await connectSupervisor({ readable: child.stdout, writable: child.stdin }) };
}

async function end({ child, supervisor }) {
  const exited = once(child, 'exit');
  await supervisor.close();
  await exited;
}

/** Of one process: resident KiB and open descriptors. */
function usage(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    residentKib: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Short commands in one session, as many as a day has: neither side may grow. */
async function commands() {
  const session = await start();
  const look = () => {
    globalThis.gc?.();
    // What is reachable: how much the engine keeps in reserve is its own matter.
    const heapKib = Math.round(process.memoryUsage().heapUsed / 1024);
    return { supervisor: usage(session.child.pid), client: { ...usage('self'), heapKib } };
  };
  const runSome = async (count) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) {
        const one = await session.supervisor.spawn(command('true'));
        one.stdout.resume();
        one.stderr.resume();
        assert.equal((await one.exited).code, 0);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  await runSome(COMMANDS / 20);
  const before = look();
  const startedAt = performance.now();
  await runSome(COMMANDS - COMMANDS / 20);
  const seconds = (performance.now() - startedAt) / 1000;
  const after = look();
  await end(session);
  console.log(`${COMMANDS} commands, ${Math.round((COMMANDS * 0.95) / seconds)} per second`, {
    before,
    after,
  });
  assert.equal(after.supervisor.descriptors, before.supervisor.descriptors, 'descriptors of the supervisor');
  assert.equal(after.client.descriptors, before.client.descriptors, 'descriptors of the client');
  assert.ok(after.supervisor.residentKib - before.supervisor.residentKib < 512, 'memory of the supervisor');
  assert.ok(after.client.heapKib - before.client.heapKib < 1024, 'memory of the client');
}

/** A gibibyte through one process and back, then a hundred at once: every byte, in order, in bounded memory. */
async function streams() {
  const session = await start();
  const digests = async (bytes) => {
    const cat = await session.supervisor.spawn(command('cat', [], 'pipe'));
    cat.stderr.resume();
    const sent = createHash('sha256');
    const came = createHash('sha256');
    const block = Buffer.alloc(64 * 1024);
    const write = async () => {
      for (let left = bytes, number = 0; left > 0; left -= block.length, number++) {
        block.writeUInt32LE(number, number % (block.length - 4));
        const piece = Buffer.from(block);
        sent.update(piece);
        if (!cat.stdin.write(piece)) await once(cat.stdin, 'drain');
      }
      cat.stdin.end();
    };
    const read = async () => {
      for await (const piece of cat.stdout) came.update(piece);
    };
    await Promise.all([write(), read()]);
    assert.equal((await cat.exited).code, 0);
    assert.equal(came.digest('hex'), sent.digest('hex'), `${bytes} bytes must come back as they were`);
  };
  const startedAt = performance.now();
  await digests(GIBIBYTE);
  const one = (performance.now() - startedAt) / 1000;
  await Promise.all(Array.from({ length: STREAMS }, () => digests(16 * 1024 * 1024)));
  const { residentKib } = usage(session.child.pid);
  await end(session);
  console.log(
    `1 GiB there and back in ${one.toFixed(1)} s; ${STREAMS} x 16 MiB; supervisor ${residentKib} KiB`,
  );
  assert.ok(residentKib < 32 * 1024, 'the supervisor must hold little');
}

const OWNER = `
import { spawn } from 'node:child_process';
import { connectSupervisor, supervisorBinary } from '@companion/supervisor';
const child = spawn(supervisorBinary(), { stdio: ['pipe', 'pipe', 'inherit'] });
const supervisor = await connectSupervisor({ readable: child.stdout, writable: child.stdin });
const [count, seconds] = process.argv.slice(1);
const script = 'trap "" TERM; i=0; while [ $i -lt ' + count + ' ]; do case $((i % 3)) in ' +
  '0) sleep ' + seconds + ' & ;; 1) setsid sleep ' + seconds + ' & ;; *) (setsid sleep ' + seconds + ' &) ;; esac; i=$((i+1)); done; echo ready; wait';
const tree = await supervisor.spawn({ file: 'sh', args: ['-c', script], env: process.env, cwd: '/', stdin: 'ignore' });
tree.stderr.resume();
for await (const said of tree.stdout) console.log(String(said).trim());
`;

/** How many processes sleep for so many seconds: a number that is nobody else's. */
function sleepers(seconds) {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1') === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  }).length;
}

/** Owners killed with SIGKILL, each with a tree that does not want to go. */
async function owners() {
  const took = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const seconds = String(700_000 + process.pid * 100 + kill);
    const args = ['--input-type=module', '--eval', OWNER, String(TREE), seconds];
    const owner = spawn(process.execPath, args, {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: owner.stdout })) {
      if (line === 'ready') break;
    }
    // A subshell's sleeper may still be on its way.
    while (sleepers(seconds) < TREE) await pause(5);
    const startedAt = performance.now();
    owner.kill('SIGKILL');
    while (sleepers(seconds) > 0 && performance.now() - startedAt < 10 * GONE_MS) await pause(5);
    took.push(performance.now() - startedAt);
    assert.equal(sleepers(seconds), 0, 'nothing may be left');
  }
  took.sort((one, other) => one - other);
  const [median, longest] = [took[Math.floor(KILLS / 2)], took[KILLS - 1]];
  console.log(
    `${KILLS} owners of ${TREE} processes killed: all gone after ${median.toFixed(0)} ms, at most ${longest.toFixed(0)} ms`,
  );
  assert.ok(longest <= GONE_MS, `everything must be gone after ${GONE_MS} ms`);
}

const trials = { commands, streams, owners };
const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(trials)) {
  assert.ok(Object.hasOwn(trials, name), `expected ${Object.keys(trials).join(', ')}, got ${name}`);
  await trials[name]();
}
