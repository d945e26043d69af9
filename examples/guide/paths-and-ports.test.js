// The examples of docs/paths-and-ports.md: each region stands there word for word (scripts/check-docs.mjs).
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createCompanion, startCompanion } from '@companion/core';
import '@companion/backend-local';

const server = (name) => `require('node:net')
  .createServer((socket) => socket.end('${name}'))
  .listen(process.argv[1] ?? 0, '127.0.0.1', function () { console.log('listening on ' + this.address().port) })`;

let sourceDir;
let cacheDir;

before(async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'guide-paths-')));
  sourceDir = join(folder, 'source');
  cacheDir = join(folder, 'cache');
  await mkdir(join(sourceDir, 'proto'), { recursive: true });
  await mkdir(cacheDir);
  await writeFile(join(sourceDir, 'proto/tool.proto'), 'syntax = "proto3";');
});
after(async () => await rm(join(sourceDir, '..'), { recursive: true }));

test('paths go both ways', async () => {
  // #region mounts
  const runner = await createCompanion({
    sourceDir,
    mounts: [{ hostPath: cacheDir, companionPath: '/cache' }],
  });
  await runner.init();
  // #endregion
  try {
    // #region translate
    const inside = runner.toCompanionPath('proto/tool.proto'); // relative: from sourceDir
    const { stdout } = await runner.run('cat', [inside]);
    const outside = runner.toHostPath(inside);
    const uri = runner.toCompanionUri(pathToFileURL(outside));
    // #endregion
    assert.equal(stdout, 'syntax = "proto3";');
    assert.equal(outside, join(sourceDir, 'proto/tool.proto'));
    assert.equal(runner.toHostUri(uri), pathToFileURL(outside).href);
    // #region cwd
    await runner.run('touch', ['a'], { cwd: '/cache' }); // a companion path
    await runner.run('touch', ['b'], { cwd: { hostPath: cacheDir } }); // the same place, by its host path
    await runner.run('touch', ['c'], { cwd: 'proto' }); // relative: below the companion's default directory
    // #endregion
    const { stdout: listed } = await runner.run('ls', [runner.toCompanionPath(cacheDir)]);
    assert.equal(listed, 'a\nb\n');
    assert.equal((await runner.run('ls', ['c'], { cwd: '/workspace/proto' })).stdout, 'c\n');
  } finally {
    await runner.shutdown();
  }
});

test('ports are reached at their endpoints', async () => {
  const runner = await startCompanion({ sourceDir, ports: [{ name: 'lsp' }] });
  try {
    const code = server('any');
    // #region any-port
    const { companionPort } = runner.endpoint('lsp'); // declared as ports: [{ name: 'lsp' }]
    const started = await runner.spawn('node', ['-e', code, `${companionPort}`]);
    const { host, port } = await runner.waitForPort('lsp', { process: started });
    // #endregion
    assert.equal(host, '127.0.0.1');
    assert.ok(port > 0);
    const chosenInside = server('late');
    // #region late-port
    const late = await runner.spawn('node', ['-e', chosenInside]);
    const { match } = await runner.waitForLine(late, /listening on (\d+)/);
    const endpoint = await runner.waitForPort(Number(match[1]), { process: late });
    // #endregion
    assert.equal(endpoint.companionPort, Number(match[1]));
    assert.deepEqual(runner.endpoint(endpoint.companionPort), endpoint);
  } finally {
    await runner.shutdown();
  }
});
