// Proves the packed packages: packs them, installs core and the local backend with npm into an empty folder, and uses
// them there as people do, with one Node or several. Begins a backend with the packed create-backend, too.
//
//   node scripts/pack-smoke.mjs [version…]      e.g. 20.19.0 22 24 26; default: the Node that runs this
//
// Other Nodes come as npm packages and are kept under node_modules/.cache.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { finish, report, reportCommand, root, skip } from './check-report.mjs';
import { pack } from './pack.mjs';

const folder = mkdtempSync(join(tmpdir(), 'companion-smoke-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** npm, not pnpm: what most people will install with. Ignores the user's settings for missing peers and scripts. */
function npmInstall(name, into, packages) {
  mkdirSync(into, { recursive: true });
  writeFileSync(join(into, 'package.json'), '{ "private": true, "type": "module" }\n');
  const args = ['install', '--prefix', into, '--no-audit', '--no-fund', '--strict-peer-deps', ...packages];
  return reportCommand(name, 'npm', args, { cwd: into });
}

function otherContents(name) {
  if (name.includes('/create-')) {
    return ['manifest.json', 'gitignore', '.github/workflows/ci.yml'].map((one) => `template/${one}`);
  }
  if (!name.endsWith('/supervisor')) return [];
  const programs = ['x64', 'arm64'].map((arch) => `linux-${arch}/companion-supervisor`);
  return ['LICENSE.musl', 'SHA256SUMS', ...programs].map((one) => `prebuilt/${one}`);
}

/** What a tarball must and must not hold. */
function checkContents({ name, file }) {
  const list = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
  const wanted = ['package.json', 'README.md', 'LICENSE', ...otherContents(name)].map(
    (one) => `package/${one}`,
  );
  const problems = wanted.filter((one) => !list.includes(one)).map((one) => `${one} is missing`);
  if (!list.some((one) => one.startsWith('package/dist/'))) problems.push('dist is missing: build first');
  const stray = list.filter((one) => /tsbuildinfo$|^package\/(test|node_modules)\/|\.test\.|turbo/.test(one));
  report(`${name}: tarball holds what it should`, [
    ...problems,
    ...stray.map((one) => `${one} should not be there`),
  ]);
}

/** Every package of a node_modules folder, nested ones included. */
function installedNames(into) {
  return readdirSync(join(into, 'node_modules'), { recursive: true })
    .map(
      (path) =>
        /(?:^|node_modules\/)((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path.replaceAll('\\', '/'))?.[1],
    )
    .filter((name) => name !== undefined);
}

/** The executable of a Node version, or null where npm has no package of it. */
function nodeExecutable(version) {
  if (version === undefined) return process.execPath;
  const target = `${process.platform}-${process.arch}`;
  if (!['linux-x64', 'linux-arm64'].includes(target)) return null;
  const into = join(root, `node_modules/.cache/node${version}`);
  const executable = join(into, `node_modules/node-${target}/bin/node`);
  if (!existsSync(executable)) {
    const args = [
      'install',
      '--silent',
      '--no-save',
      '--no-audit',
      '--prefix',
      into,
      `node-${target}@${version}`,
    ];
    mkdirSync(into, { recursive: true });
    spawnSync('npm', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  return executable;
}

const companion = `const runner = await startCompanion({ name: 'smoke', sourceDir: '.' });
const { stdout } = await runner.run('node', ['--version']);
await runner.shutdown();
assert.equal(stdout.trim(), process.version);
`;
const programs = {
  'esm.mjs': `import assert from 'node:assert/strict';
import { createCompanion, startCompanion } from '@companion/core';
import '@companion/backend-local';
assert.equal(typeof createCompanion, 'function');
assert.equal(typeof startCompanion, 'function');
`,
  'require.cjs': `const assert = require('node:assert/strict');
const { createCompanion } = require('@companion/core');
require('@companion/backend-local');
assert.equal(typeof createCompanion, 'function');
`,
  'run.mjs': `import assert from 'node:assert/strict';
import { startCompanion } from '@companion/core';
import '@companion/backend-local';
${companion}`,
  // The backend registers with the copy of core beside it; the other copy must see it.
  'two-copies.mjs': `import assert from 'node:assert/strict';
import * as one from '@companion/core';
import '@companion/backend-local';
const { startCompanion, ...two } = await import(new URL('./second/node_modules/@companion/core/dist/index.js', import.meta.url));
assert.notEqual(startCompanion, one.startCompanion);
${companion}`,
};

const starter = join(folder, 'starter');
const createBackend = join(starter, 'node_modules/@companion/create-backend/dist/bin.js');

/** What npm has unpacked is a program that runs: neither its bytes nor its mode may suffer. */
function checkSupervisor() {
  const into = join(folder, 'supervisor');
  if (!npmInstall('npm installs the supervisor', into, ['core', 'supervisor'].map(tarball))) return;
  if (process.platform !== 'linux') {
    skip('the installed supervisor runs a command', 'it is a program for Linux');
    return;
  }
  const program = `import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connectSupervisor, supervisorBinary } from '@companion/supervisor';
const child = spawn(supervisorBinary(), { stdio: ['pipe', 'pipe', 'inherit'] });
const supervisor = await connectSupervisor({ readable: child.stdout, writable: child.stdin });
const run = { file: 'sh', args: ['-c', 'exit 7'], env: { PATH: process.env.PATH }, cwd: '/', stdin: 'ignore' };
assert.deepEqual(await (await supervisor.spawn(run)).exited, { code: 7, signal: null });
await supervisor.close();
`;
  const args = ['--input-type=module', '--eval', program];
  const options = { cwd: into, shell: false, timeout: 60_000 };
  reportCommand('the installed supervisor runs a command', process.execPath, args, options);
}

/** A backend made by the packed command, with the packed kit installed as its manifest asks for it. */
function makeStarter() {
  npmInstall('npm installs create-backend', starter, [tarball('create-backend')]);
  const made = join(starter, 'smoke-backend');
  if (!reportCommand('create-backend makes a package', process.execPath, [createBackend, made])) return;
  // By file: the versions that the manifest asks for are published later than this runs.
  const files = ['core', 'supervisor', 'backend-local', 'testkit', 'cli'].map(tarball);
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--strict-peer-deps', ...files];
  reportCommand('npm installs what the made package asks for', 'npm', args, { cwd: made });
  writeFileSync(join(made, 'more.js'), '// What an author adds is packed, too.\n');
  const packed = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd: made, encoding: 'utf8' });
  const held = packed.status === 0 ? JSON.parse(packed.stdout)[0].files.map(({ path }) => path) : [];
  const wanted = ['README.md', 'backend.d.ts', 'backend.js', 'index.js', 'more.js', 'package.json'];
  const right = held.sort().join() === wanted.join();
  report(
    'the made package packs what it is made of',
    right ? [] : [`expected ${wanted}, got ${held}`, packed.stderr],
  );
}

/** The command finds the backend beside it, and asks it without loading what only containers need. */
function checkDocker() {
  const into = join(folder, 'docker');
  const names = ['core', 'supervisor', 'backend-local', 'backend-nix', 'backend-docker', 'cli'];
  if (!npmInstall('npm installs the command and the docker backend', into, names.map(tarball))) return;
  const bin = join(into, 'node_modules/@companion/cli/dist/bin.js');
  // An engine of this machine has no part in it.
  const env = { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
  const options = { cwd: into, env, encoding: 'utf8', timeout: 60_000 };
  const { stdout } = spawnSync(process.execPath, [bin, 'doctor', '--json'], options);
  const found = stdout.includes('"backend": "docker"') ? JSON.parse(stdout).backends[0] : undefined;
  const asExpected = found?.status === 'unavailable' && found.reason.includes('/nonexistent/docker.sock');
  report(
    'the command finds the docker backend and asks it',
    asExpected ? [] : [JSON.stringify(found), stdout],
  );
}

/** The first minute of a backend's author: it ends soon, with what is to be done first. */
function checkStarter(label, executable, env) {
  const made = join(starter, `made-by-${label.replaceAll(/\D/g, '')}`);
  const options = { env, timeout: 60_000, shell: false };
  reportCommand(`${label}: creates a backend`, executable, [createBackend, made], options);
  const cwd = join(starter, 'smoke-backend');
  const run = spawnSync(executable, ['conformance.js'], { ...options, cwd, encoding: 'utf8' });
  const asExpected = run.status === 1 && run.stdout.includes('to do  exit-status.codes: ');
  const told = `expected code 1 and the first step, got ${run.status ?? run.error?.message}`;
  report(
    `${label}: a new backend fails its conformance run, and is told where to begin`,
    asExpected ? [] : [told, `${run.stdout}${run.stderr}`],
  );
}

/** Runs away from the folder's node_modules: a bundle that imports instead of containing would fail. */
async function makeBundle(app) {
  const bundle = await rolldown({
    input: join(app, 'run.mjs'),
    platform: 'node',
    logLevel: 'silent',
  });
  await bundle.write({ dir: join(folder, 'bundle'), format: 'esm', entryFileNames: 'main.mjs' });
  await bundle.close();
}

function checkWith(version, app) {
  const label = `Node ${version ?? process.versions.node}`;
  const executable = nodeExecutable(version);
  if (executable === null) return skip(label, `no package of it for ${process.platform}-${process.arch}`);
  // PATH too: the tool that the companion runs is this very Node.
  const env = {
    ...process.env,
    PATH: `${dirname(executable)}${delimiter}${process.env.PATH}`,
    NODE_OPTIONS: '',
  };
  if (!reportCommand(`${label}: starts`, executable, ['--version'])) return;
  const program = (name, file, cwd = app) =>
    reportCommand(`${label}: ${name}`, executable, [join(cwd, file)], {
      cwd,
      env,
      timeout: 60_000,
      shell: false,
    });
  program('import', 'esm.mjs');
  program('require()', 'require.cjs');
  program('runs a tool', 'run.mjs');
  program('two copies of core share the registered backends', 'two-copies.mjs');
  program('a bundle keeps the registration', 'main.mjs', join(folder, 'bundle'));
  const command = spawnSync(
    executable,
    [join(folder, 'cli/node_modules/@companion/cli/dist/bin.js'), 'run', '--', 'node', '--version'],
    { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 },
  );
  const told = [`expected a version, got ${JSON.stringify(command.stdout)}`, command.stderr.trim()];
  report(
    `${label}: companion run`,
    command.status === 0 && /^v\d+\.\d+\.\d+\n$/.test(command.stdout) ? [] : told,
  );
  checkStarter(label, executable, env);
}

const packages = pack(join(folder, 'tarballs'));
const tarball = (name) => packages.find((one) => one.name === `@companion/${name}`).file;
for (const one of packages) {
  checkContents(one);
  reportCommand(`${one.name}: manifest and files agree (publint)`, 'publint', ['--strict', one.file]);
  const resolving = ['--profile', 'esm-only', '--no-emoji', '--format', 'ascii', one.file];
  reportCommand(`${one.name}: types resolve (attw)`, 'attw', resolving);
}
const versions = new Set(packages.map(({ version }) => version));
report(
  `the next release is ${[...versions].join(' and ')}`,
  versions.size === 1 && packages[0].version.startsWith('0.') ? [] : ['expected one version, below 1.0.0'],
);

const app = join(folder, 'app');
// With the supervisor, of which npm knows no published version yet.
const local = ['core', 'supervisor', 'backend-local'].map(tarball);
const installed = npmInstall('npm installs core and backend-local', app, local);
if (installed) {
  const unwanted = installedNames(app).filter((name) => /^(dockerode|@companion\/testkit)$/.test(name));
  report('neither dockerode nor testkit came along', unwanted);
  for (const [file, text] of Object.entries(programs)) writeFileSync(join(app, file), text);
  cpSync(join(app, 'node_modules/@companion/core'), join(app, 'second/node_modules/@companion/core'), {
    recursive: true,
  });
  npmInstall('npm installs the command', join(folder, 'cli'), [...local, tarball('cli')]);
  checkDocker();
  const kit = join(folder, 'kit');
  npmInstall('npm installs the kit, without vitest', kit, ['core', 'testkit'].map(tarball));
  const kitProgram = "await import('@companion/testkit'); await import('@companion/testkit/node-test');";
  const importing = ['--input-type=module', '--eval', kitProgram];
  reportCommand('the kit needs no vitest', process.execPath, importing, { cwd: kit, shell: false });
  checkSupervisor();
  makeStarter();
  await makeBundle(app);
  const wanted = process.argv.slice(2);
  for (const version of wanted.length > 0 ? wanted : [undefined]) checkWith(version, app);
}
finish('smoke');
