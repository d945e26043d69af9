// Not root, and allowed to use the engine's socket: everything works, and what comes out belongs to that user.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { missingTools } from '../engines/images.mjs';

const packageFolder = join(import.meta.dirname, '../..');
const USER = 1000;

/** What people do with a checkout; each command's output is in the result. */
const TOOLS = `
import { startCompanion } from '@companion/core';
import { dockerBackend } from '@companion/backend-docker/backend';
const [image, host, sourceDir] = process.argv.slice(1);
const runner = await startCompanion({
  name: 'ordinary', sourceDir, image, backends: [dockerBackend], backendOptions: { docker: { host } },
});
const sh = async (script) => {
  const { code, stdout, stderr } = await runner.run('sh', ['-c', script], { reject: false });
  return { code, stdout, stderr };
};
const results = {
  git: await sh(\`
    git init --quiet . && echo text > file && git add file &&
    git -c user.name=A -c user.email=a@b commit --quiet -m first && git status --porcelain &&
    git clone --quiet . "$HOME/clone" && git -C "$HOME/clone" log --format=%s && cat "$HOME/clone/file"\`),
  npm: await sh('npm init --yes > /dev/null && npm pack --silent && npm config set fund false && cat "$HOME/.npmrc"'),
  ssh: await sh('ssh -V && ssh -G machine | grep -E "^(user|identityfile .*id_ed25519)"'),
};
console.log(JSON.stringify(results));
await runner.shutdown();
`;

const PROGRAM = `
import { startCompanion } from '@companion/core';
import { dockerBackend } from '@companion/backend-docker/backend';
const [image, host, sourceDir] = process.argv.slice(1);
const runner = await startCompanion({
  name: 'ordinary', sourceDir, image, backends: [dockerBackend], backendOptions: { docker: { host } },
});
const script = 'echo made > made; mkdir deep; touch deep/file "$HOME/own"; id -u; id -un; echo "$HOME $USER"';
const { stdout } = await runner.run('sh', ['-c', script]);
const node = await runner.run('node', ['-p', 'const u = os.userInfo(); [u.uid, u.username, os.homedir() === process.env.HOME]']);
await runner.copyIn('made', '/opt/given');
const given = await runner.run('sh', ['-c', 'echo >> /opt/given && echo own']);
console.log(JSON.stringify({ stdout, node: node.stdout, given: given.stdout }));
await runner.shutdown();
`;

eachEngine('an ordinary user', (engine) => {
  let place = '';
  let sourceDir = '';
  const socket = () => join(place, 'engine.sock');
  // The engine's own socket stays as it is: this one is for that user, as membership in a group would be.
  const door = createServer((client) => {
    const onward = connect({ path: new URL(engine.address).pathname, allowHalfOpen: true });
    client.pipe(onward).pipe(client);
    const end = () => void client.destroy(onward.destroy().errored ?? undefined);
    client.on('error', end);
    onward.on('error', end);
  });
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'ordinary-'));
    sourceDir = join(place, 'source');
    await mkdir(sourceDir);
    door.listen({ path: socket(), readableAll: true, writableAll: true });
    await once(door, 'listening');
    for (const path of [place, sourceDir]) await chown(path, USER, USER);
  });
  afterAll(async () => {
    door.close();
    await rm(place, { recursive: true });
  });

  const run = async (env: NodeJS.ProcessEnv, program = PROGRAM, image = engine.images.node) => {
    await rm(sourceDir, { recursive: true });
    await mkdir(sourceDir);
    await chown(sourceDir, USER, USER);
    const args = ['--input-type=module', '--eval', program, image, `unix://${socket()}`, sourceDir];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      ...{ uid: USER, gid: USER, cwd: packageFolder },
      env: { PATH: process.env.PATH, ...env },
    });
    return JSON.parse(stdout);
  };

  const isRoot = process.getuid?.() === 0;
  const homes: [string, () => Promise<NodeJS.ProcessEnv>][] = [
    [
      'with a home',
      async () => {
        const HOME = join(place, 'home');
        await mkdir(HOME);
        await chown(HOME, USER, USER);
        return { HOME };
      },
    ],
    ['without a home', async () => ({})],
    [
      'with a runtime directory that cannot be written to',
      async () => {
        const XDG_RUNTIME_DIR = join(place, 'runtime');
        await mkdir(XDG_RUNTIME_DIR);
        await chmod(XDG_RUNTIME_DIR, 0o555);
        return { HOME: '/nonexistent', XDG_RUNTIME_DIR };
      },
    ],
    [
      'with a home whose path is too long for a socket',
      async () => {
        const HOME = join(place, 'long'.repeat(30));
        await mkdir(HOME);
        await chown(HOME, USER, USER);
        return { HOME };
      },
    ],
    [
      'with a file where the directory would be',
      async () => {
        const HOME = join(place, 'file-home');
        await mkdir(HOME);
        await writeFile(join(HOME, '.cache'), '');
        await chown(HOME, USER, USER);
        return { HOME };
      },
    ],
  ];
  test.runIf(isRoot).each(homes)('%s', async (_title, environment) => {
    const { stdout = '', node, given } = await run(await environment());
    const [uid, name, home] = stdout.split('\n');
    expect(uid).toBe(String(USER));
    expect(name).toMatch(/^[a-z]/);
    expect(home).toBe(`/home/${name} ${name}`);
    expect(node).toBe(`[ ${USER}, '${name}', true ]\n`);
    expect(given).toBe('own\n');
    for (const path of ['made', 'deep', 'deep/file']) {
      expect((await stat(join(sourceDir, path))).uid, path).toBe(USER);
    }
  });

  const missing = missingTools();
  const title = `git, npm and ssh work${missing === undefined ? '' : ` [${missing}]`}`;
  test.skipIf(!isRoot || missing !== undefined)(title, async () => {
    const { git, npm, ssh } = await run({}, TOOLS, engine.images.tools);
    expect(git).toEqual({ code: 0, stdout: 'first\ntext\n', stderr: '' });
    expect(npm).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^workspace-1\.0\.0\.tgz\nfund=false\n$/),
    });
    expect(ssh).toMatchObject({ code: 0, stderr: expect.stringMatching(/^OpenSSH/) });
    expect(ssh.stdout).toMatch(/^user [a-z]/);
    for (const path of ['.git/HEAD', '.git/objects', 'package.json', 'workspace-1.0.0.tgz']) {
      expect((await stat(join(sourceDir, path))).uid, path).toBe(USER);
    }
  });
});
