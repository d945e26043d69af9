import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import type { ConformanceCase } from '../case.js';
import { sh } from '../shell.js';

const HUNDRED = Array.from({ length: 100 }, (_, number) => number);

/** Many at once: whatever carries them must keep them apart. */
export const concurrencyCases: readonly ConformanceCase[] = [
  {
    id: 'concurrency.hundred-at-once',
    title: '100 processes that run at the same time keep their streams and verdicts apart',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.shared();
      // Each says that it is there and waits for its own word, so that all of them live at the same time.
      const script = `echo "$1 ready"; IFS= read -r word; line=0
        while [ $line -lt 30 ]; do echo "$1 $word $line"; echo "$1 error $line" >&2; line=$((line + 1)); done
        exit "$1"`;
      const processes = await context.due(
        '100 processes start although none of them ends',
        Promise.all(HUNDRED.map((number) => runner.spawn(...sh(script, String(number))))),
      );
      const pids = new Set(processes.map((process) => process.pid));
      assert.equal(pids.size, 100, 'each has a pid of its own');
      const outputs = processes.map((process) => Promise.all([text(process.stdout), text(process.stderr)]));
      await Promise.all(
        processes.map((process, number) =>
          context.due(
            `process ${number} of 100 says on its own stdout that it is there`,
            runner.waitForLine(process, `${number} ready`, { stream: 'stdout' }),
          ),
        ),
      );
      assert.ok(
        processes.every((process) => process.isRunning()),
        'all of them run',
      );
      for (const [number, process] of processes.entries()) process.stdin.end(`word-${number}\n`);

      const thirty = Array.from({ length: 30 }, (_, line) => line);
      await Promise.all(
        processes.map(async (process, number) => {
          const verdict = context.due(`process ${number} ends once it has its word`, process.wait());
          const status = { ...(await verdict) };
          assert.deepEqual(status, { code: number, signal: null }, `process ${number}: its own code`);
          const [stdout, stderr] = (await outputs[number]) ?? [];
          const said = thirty.map((line) => `${number} word-${number} ${line}\n`).join('');
          assert.equal(stdout, `${number} ready\n${said}`, `process ${number}: its own stdout, complete`);
          const complained = thirty.map((line) => `${number} error ${line}\n`).join('');
          assert.equal(stderr, complained, `process ${number}: its own stderr, complete`);
        }),
      );
    },
  },
  {
    id: 'concurrency.large-streams',
    title: 'large outputs of several processes at the same time are not mixed',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.shared();
      const script = 'yes "out $1" | head -c 2000000 & yes "error $1" | head -c 2000000 >&2; wait';
      await Promise.all(
        HUNDRED.slice(0, 8).map(async (number) => {
          const running = runner.run(...sh(script, String(number)));
          const { stdout, stderr } = await context.due(`process ${number}: all of its output comes`, running);
          const repeated = (line: string): string =>
            line.repeat(Math.ceil(2_000_000 / line.length)).slice(0, 2_000_000);
          assert.ok(
            stdout === repeated(`out ${number}\n`),
            `process ${number}: stdout has its own bytes only`,
          );
          assert.ok(
            stderr === repeated(`error ${number}\n`),
            `process ${number}: stderr has its own bytes only`,
          );
        }),
      );
    },
  },
  {
    id: 'concurrency.run-many',
    title:
      '100 commands that are run at the same time each have their own argument, variable, directory and input',
    since: 1,
    requires: {},
    timeoutMs: 120_000,
    run: async (context) => {
      const runner = await context.start();
      await runner.run(...sh('for name in "$@"; do mkdir "directory-$name"; done', ...HUNDRED.map(String)));
      const script = 'printf "%s|%s|%s|" "$1" "$NUMBER" "$(basename "$PWD")"; cat; exit "$1"';
      await Promise.all(
        HUNDRED.map(async (number) => {
          const running = runner.run(...sh(script, String(number)), {
            env: { NUMBER: String(number) },
            cwd: `directory-${number}`,
            input: `input ${number}`,
            reject: false,
          });
          const { code, stdout } = await context.due(`command ${number} of 100 has a verdict`, running);
          assert.equal(
            stdout,
            `${number}|${number}|directory-${number}|input ${number}`,
            `command ${number}`,
          );
          assert.equal(code, number, `command ${number}: its own code`);
        }),
      );
    },
  },
  {
    id: 'concurrency.stop-one-of-many',
    title: 'stopping some of many processes leaves the others alone',
    since: 1,
    requires: {},
    shares: true,
    timeoutMs: 60_000,
    run: async (context) => {
      const runner = await context.shared();
      const processes = await Promise.all(HUNDRED.slice(0, 20).map(() => runner.spawn('cat')));
      const even = processes.filter((_, index) => index % 2 === 0);
      const odd = processes.filter((_, index) => index % 2 === 1);
      const stopped = Promise.all(even.map((process) => process.stop()));
      await context.due('each of ten can be stopped', stopped);
      for (const [index, process] of odd.entries()) {
        assert.equal(process.isRunning(), true, 'it was not stopped');
        const echoed = text(process.stdout);
        process.stdin.end(`still here ${index}\n`);
        const answer = await context.due('what was not stopped answers', echoed);
        assert.equal(answer, `still here ${index}\n`, 'it still answers');
        assert.deepEqual({ ...(await process.wait()) }, { code: 0, signal: null }, 'it ends well');
      }
      for (const process of even) assert.equal((await process.wait()).signal, 'SIGTERM', 'it was stopped');
    },
  },
];
