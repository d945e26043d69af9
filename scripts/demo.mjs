// The main job: a language server, a code generator and a formatter on this repository's own files, in the best
// environment this machine has.
//
//   npm run demo [-- --image REFERENCE]        COMPANION_BACKEND=local npm run demo
import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { report as generateCode } from '../examples/code-generation/report.js';
import { report as exploreSymbol } from '../examples/language-server/report.js';
import { report as formatFile } from '../examples/run-a-tool/report.js';
import { createCompanion } from '../packages/core/dist/index.js';
import { DemoReport } from './demo-report.mjs';

/** Far more than any of them needs: a demo that hangs says less than one that fails. */
const JOB_LIMIT_MS = 120_000;
const root = join(import.meta.dirname, '..');
const jobs = [
  ['Language server', exploreSymbol],
  ['Code generation', generateCode],
  ['Formatting', formatFile],
];

const { values: given } = parseArgs({ options: { image: { type: 'string', default: 'node:24-slim' } } });
const report = new DemoReport(process.stdout);
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => interrupted.abort(name));
}
// Who reads it (head, a pager) may have seen enough.
process.stdout.on('error', () => interrupted.abort('SIGPIPE'));
process.exitCode = await demo(interrupted.signal);

/** Resolves with the exit code. */
async function demo(signal) {
  let runner;
  try {
    await registerBackends();
    runner = await createCompanion(
      {
        name: 'demo',
        sourceDir: root,
        image: given.image,
        // What the generator writes inside has to appear here.
        requires: { filesystem: ['shared', 'bound'] },
        onEvent: (event) => report.record(event),
      },
      { signal },
    );
    report.printSelection(runner, given.image);
    await runner.init({ signal });
    report.printReady();
    for (const [title, job] of jobs) await runJob(runner, title, job, signal);
    await runner.shutdown();
    return report.printSummary(runner);
  } catch (error) {
    if (!signal.aborted) return report.printFailure(error);
    report.printInterruption(signal.reason);
    return 128 + constants.signals[signal.reason];
  } finally {
    await runner?.shutdown();
  }
}

async function runJob(runner, title, job, interruption) {
  const limit = AbortSignal.timeout(JOB_LIMIT_MS);
  const signal = AbortSignal.any([interruption, limit]);
  const startedAt = performance.now();
  report.announceJob(title);
  try {
    const rows = await job(runner, { signal });
    report.printJob(title, rows, performance.now() - startedAt);
  } catch (error) {
    interruption.throwIfAborted();
    const failure = limit.aborted ? new Error(`not done within ${JOB_LIMIT_MS / 1000} s`) : error;
    report.printFailedJob(title, failure, performance.now() - startedAt);
  }
}

/** Every backend of this repository: which of them can serve here, selection finds out. */
async function registerBackends() {
  const packages = join(root, 'packages');
  for (const name of readdirSync(packages).filter((one) => one.startsWith('backend-'))) {
    const entry = join(packages, name, 'dist/index.js');
    if (existsSync(entry)) await import(pathToFileURL(entry).href);
  }
}
