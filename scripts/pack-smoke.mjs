// Proves the packed packages: packs them, installs core and the local backend with npm into an empty folder, and uses
// them there as people do, with one Node or several.
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

/** What a tarball must and must not hold. */
function checkContents({ name, file }) {
  const list = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
  const wanted = ['package.json', 'README.md', 'LICENSE'].map((one) => `package/${one}`);
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
const installed = npmInstall('npm installs core and backend-local', app, [
  tarball('core'),
  tarball('backend-local'),
]);
if (installed) {
  const unwanted = installedNames(app).filter((name) => /^(dockerode|@companion\/testkit)$/.test(name));
  report('neither dockerode nor testkit came along', unwanted);
  for (const [file, text] of Object.entries(programs)) writeFileSync(join(app, file), text);
  cpSync(join(app, 'node_modules/@companion/core'), join(app, 'second/node_modules/@companion/core'), {
    recursive: true,
  });
  npmInstall('npm installs the command', join(folder, 'cli'), ['core', 'backend-local', 'cli'].map(tarball));
  const kit = join(folder, 'kit');
  npmInstall('npm installs the kit, without vitest', kit, ['core', 'testkit'].map(tarball));
  const kitProgram = "await import('@companion/testkit'); await import('@companion/testkit/node-test');";
  const importing = ['--input-type=module', '--eval', kitProgram];
  reportCommand('the kit needs no vitest', process.execPath, importing, { cwd: kit, shell: false });
  await makeBundle(app);
  const wanted = process.argv.slice(2);
  for (const version of wanted.length > 0 ? wanted : [undefined]) checkWith(version, app);
}
finish('smoke');
