// `npm run fuzz -- [SECONDS]` in packages/supervisor: the committed inputs once more, then new ones, for so many seconds
// each of the two fuzzers. What they find beyond is kept in node_modules/.cache/fuzz.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nativeFolder, packageFolder } from './toolchain.mjs';

const cache = join(packageFolder, 'node_modules/.cache/fuzz');
// Debian has numbers in its commands' names, and a plain one that is the newest.
const CLANGS = ['clang', 'clang-14', 'clang-16', 'clang-19'];

/** A clang that brings libFuzzer. */
function findClang() {
  const probe = ['-x', 'c', '-', '-fsanitize=fuzzer,address,undefined', '-o', '/dev/null'];
  const input = 'int LLVMFuzzerTestOneInput(void) { return 0; }';
  return CLANGS.find((clang) => spawnSync(clang, probe, { input }).status === 0);
}

function fuzz(name, seconds) {
  const committed = join(nativeFolder, 'fuzz/corpus', name);
  const found = join(cache, 'corpus', name);
  mkdirSync(found, { recursive: true });
  const inputs = readdirSync(committed).map((file) => join(committed, file));
  const limits = ['-timeout=20', '-rss_limit_mb=1024', `-artifact_prefix=${cache}/`];
  const runs = [[...limits, ...inputs]];
  if (seconds > 0) runs.push([...limits, `-max_total_time=${seconds}`, '-max_len=2048', found, committed]);
  for (const run of runs) {
    const ended = spawnSync(join(cache, name), run, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    if (ended.error !== undefined) return { problem: `${name}: ${ended.error.message}` };
    if (ended.status !== 0) return { problem: `${name}: ${ended.stderr.slice(-4000)}` };
    const done = /Done \d+ runs in \d+ second/.exec(ended.stderr);
    if (done !== null) console.log(`      ${name}: ${done[0]}s`);
  }
  return {};
}

/** `{ problem }`, or `{ reason }` where there is nothing to fuzz with. */
export function fuzzAll(seconds) {
  const clang = findClang();
  if (clang === undefined) {
    return {
      reason: 'there is no clang with libFuzzer; on Debian: apt-get install clang libclang-rt-14-dev',
    };
  }
  const build = join(nativeFolder, 'fuzz/build.sh');
  const built = spawnSync('sh', [build, cache], { encoding: 'utf8', env: { ...process.env, CLANG: clang } });
  if (built.status !== 0) return { problem: built.stderr };
  return ['decode', 'serve'].map((name) => fuzz(name, seconds)).find(({ problem }) => problem) ?? {};
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { problem, reason } = fuzzAll(Number(process.argv[2] ?? 60));
  if (problem ?? reason) console.error(problem ?? reason);
  process.exitCode = problem === undefined && reason === undefined ? 0 : 1;
}
