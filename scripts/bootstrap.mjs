// Makes one command of a fresh clone: installs what the lockfile names, skipped when nothing has changed since, and
// runs a command with pnpm and node_modules/.bin on PATH. Needs Node and npm, nothing else.
//
//   node scripts/bootstrap.mjs [--lock | --build] [command [argument…]]
//
// --lock brings the lockfile up to date with the manifests first; --build builds the packages first.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspaceFolders } from './workspace-folders.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const pin = manifest.packageManager; // 'pnpm@12.21.0': also what npx wants to hear
const stampFile = join(root, 'node_modules/.cache/companion/bootstrap.json');
const windows = process.platform === 'win32';

/** Ends with one sentence: what is missing and the way out. */
function giveUp(sentence) {
  console.error(`\n${sentence}`);
  process.exit(1);
}

function checkNode() {
  const wanted = manifest.engines.node.replace('>=', '').split('.').map(Number);
  const found = process.versions.node.split('.').map(Number);
  const difference = wanted.map((part, index) => found[index] - part).find((part) => part !== 0);
  if (difference < 0) {
    giveUp(
      `Node ${process.versions.node} is too old: Companion needs ${manifest.engines.node}. Install a newer one from nodejs.org or your package manager.`,
    );
  }
}

/** Runs to completion and captures; `.cmd` files, which npx and pnpm are on Windows, need a shell. */
function capture(command, args, path) {
  return spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    shell: windows,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path, NO_UPDATE_NOTIFIER: '1' },
  });
}

/** The folder that holds the pinned pnpm, fetched through npx if need be. */
function pnpmFolder() {
  const found = capture(
    'npx',
    ['--yes', `--package=${pin}`, '--', 'node', '-p', 'process.env.PATH'],
    process.env.PATH,
  );
  if (found.error !== undefined) {
    giveUp('npx was not found on PATH: install npm (it comes with Node), or have it on PATH beside node.');
  }
  if (found.status !== 0) {
    const code = /npm (?:error|ERR!) code (\S+)/.exec(found.stderr)?.[1] ?? `npx ended with ${found.status}`;
    giveUp(
      `npx could not fetch ${pin} (${code}): connect to the network or point npm at a registry that answers, then run the same command again.`,
    );
  }
  const name = windows ? 'pnpm.cmd' : 'pnpm';
  const folder = found.stdout
    .trim()
    .split(delimiter)
    .find((candidate) => existsSync(join(candidate, name)));
  if (folder === undefined)
    giveUp(`npx fetched ${pin} but brought no ${name}: clear npm's cache and run the same command again.`);
  return folder;
}

/** Changes when an install would have something to do. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${pin}`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  files.push(...workspaceFolders(root).map((folder) => `${folder}/package.json`));
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** What the last install left, or null if it no longer stands. */
function readStamp(current) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
    const stands =
      stamp.fingerprint === current &&
      existsSync(stamp.pnpmFolder) &&
      workspaceFolders(root).every((folder) => existsSync(join(root, folder, 'node_modules')));
    return stands ? stamp : null;
  } catch {
    return null; // first run
  }
}

/** Resolves with the exit code, 128+n for a signal; signals sent to this process reach the command. */
function run(command, args, path, stdin, extraEnv = {}) {
  const child = spawn(command, args, {
    cwd: root,
    shell: windows,
    stdio: [stdin, 'inherit', 'inherit'],
    env: { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...process.env, ...extraEnv, PATH: path },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code, signal) => resolve(code === null ? 128 + constants.signals[signal] : code));
  });
}

/** Says nothing unless it fails: what is built is only a means here. */
function build(path) {
  const built = capture('turbo', ['run', 'build', '--output-logs=errors-only'], path);
  if (built.status !== 0) console.error(`${built.stdout}${built.stderr}${built.error ?? ''}`);
  return built.status ?? 1;
}

async function install(lock) {
  const stamp = readStamp(fingerprint());
  if (stamp !== null && !lock) return stamp.pnpmFolder;
  console.log(lock ? 'Locking what the manifests ask for …' : 'Installing what the lockfile names …');
  const folder = pnpmFolder();
  const path = `${folder}${delimiter}${process.env.PATH}`;
  // CI: a module folder that another pnpm made is replaced without the question that nobody would answer here.
  const args = ['install', lock ? '--no-frozen-lockfile' : '--frozen-lockfile'];
  const code = await run('pnpm', args, path, 'ignore', { CI: 'true' });
  if (code !== 0) {
    giveUp(
      'pnpm could not install; its reason stands above. A lockfile behind its manifests is mended by: npm run lock',
    );
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, JSON.stringify({ fingerprint: fingerprint(), pnpmFolder: folder }));
  return folder;
}

checkNode();
const command = process.argv.slice(2);
const flag = ['--lock', '--build'].includes(command[0]) ? command.shift() : undefined;
const folder = await install(flag === '--lock');
const path = [join(root, 'node_modules/.bin'), folder, process.env.PATH].join(delimiter);
let code = 0;
if (flag === '--build') code = build(path);
if (code === 0 && command.length > 0) code = await run(command[0], command.slice(1), path, 'inherit');
process.exitCode = code;
