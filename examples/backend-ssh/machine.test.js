// What is on the machine, and what stays there. That it is a proper backend is shown by backend.test.js.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startCompanion } from '@companion/core';
import { sshBackend } from './backend.js';
import { startSshd } from './local-machine/sshd.js';

const { reason: missing, connection, home, stop } = await startSshd();
const reason = missing ?? (await sshBackend.detect({ backendOptions: connection }, {})).reason;
if (missing === undefined) after(stop);

describe('a machine', { skip: reason ?? false }, () => {
  let directory;
  let sourceDir;
  const cache = () => join(home, '.cache', 'companion-ssh');
  const environments = () => readdir(join(cache(), 'environments'));
  const made = [];
  const start = async (options = {}) => {
    const runner = await startCompanion({
      backends: [sshBackend],
      backendOptions: { ssh: connection },
      sourceDir,
      ...options,
    });
    made.push(runner);
    return runner;
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'companion-ssh-'));
    sourceDir = join(directory, 'source');
    await mkdir(sourceDir);
    await writeFile(join(sourceDir, 'file'), 'text');
  });
  after(async () => {
    await Promise.all(made.map((runner) => runner.shutdown()));
    await rm(directory, { recursive: true });
  });

  test('gets the supervisor once, and again when it has been changed there', async () => {
    await (await start()).shutdown();
    const [name, ...others] = (await readdir(cache())).filter((one) => one.startsWith('supervisor-'));
    assert.match(name, /^supervisor-[0-9a-f]{64}$/);
    assert.deepEqual(others, []);
    const program = join(cache(), name);
    assert.equal((await stat(cache())).mode & 0o777, 0o700);
    assert.equal((await stat(program)).mode & 0o777, 0o500);
    const { ino } = await stat(program);
    const bytes = await readFile(program);
    await (await start()).shutdown();
    assert.equal((await stat(program)).ino, ino);
    await rm(program);
    await writeFile(program, '#!/bin/sh\necho changed\n', { mode: 0o700 });
    await (await start()).shutdown();
    assert.deepEqual(await readFile(program), bytes);
    assert.deepEqual((await readdir(cache())).toSorted(), ['environments', 'lock', name]);
  });

  test('keeps nothing of an environment that was shut down, failed or was given up', async () => {
    const runner = await start();
    const [running] = await environments();
    await (await start()).shutdown();
    assert.deepEqual(await environments(), [running], "another's end is not its own");
    assert.equal((await runner.run('cat', ['file'])).stdout, 'text');
    // What cannot be removed at once.
    await runner.run('sh', ['-c', 'mkdir -p a/b && touch a/b/c && chmod 500 a/b && chmod 0 a']);
    await runner.shutdown();
    assert.deepEqual(await environments(), []);
    await assert.rejects(start({ workspaceDir: '/usr/src' }), { code: 'COMPANION_UNSUPPORTED' });
    await assert.rejects(start({ pause: false, entrypoint: ['no-such-tool'], reuse: false }), {
      code: 'COMPANION_COMMAND_NOT_FOUND',
    });
    const failing = startCompanion(
      { backends: [sshBackend], backendOptions: { ssh: connection }, sourceDir },
      { signal: AbortSignal.timeout(900) },
    );
    await failing.then((one) => one.shutdown()).catch(() => {});
    await vanished(environments);
  });

  test('has nothing left of an owner that was killed', async () => {
    const mark = `owner-${process.pid}-${Date.now()}`;
    const owner = spawn(
      process.execPath,
      [fileURLToPath(new URL('local-machine/owner.js', import.meta.url)), sourceDir, mark],
      { env: { ...process.env, COMPANION_TEST_SSH: JSON.stringify(connection) } },
    );
    const complaint = once(owner, 'exit').then(() => assert.fail('it has ended'));
    await Promise.race([once(owner.stdout, 'data'), complaint]);
    complaint.catch(() => {});
    assert.equal((await environments()).length, 1);
    assert.notDeepEqual(await marked(mark), []);
    owner.kill('SIGKILL');
    await vanished(() => marked(mark));
    await vanished(environments);
  });

  test('loses what it had when it was switched off, at the next start', async () => {
    const left = join(cache(), 'environments', 'run-000000000000-000000000000');
    await mkdir(join(left, 'root', 'workspace'), { recursive: true });
    await writeFile(join(left, 'root', 'workspace', 'file'), 'left');
    const runner = await start();
    assert.equal((await environments()).length, 1);
    await runner.shutdown();
    assert.deepEqual(await environments(), []);
  });

  test('keeps what is to be reused, for one at a time, with the files of today', async () => {
    const notices = [];
    const onEvent = (event) => event.type === 'notice' && notices.push(event.message);
    const first = await start({ name: 'kept', reuse: true });
    await first.run('sh', ['-c', 'echo made > made']);
    const second = await start({ name: 'kept', reuse: true, onEvent });
    assert.equal((await second.run('sh', ['-c', '[ -e made ]'], { reject: false })).code, 1);
    assert.match(notices[0], /begins without/);
    await Promise.all([first.shutdown(), second.shutdown()]);
    assert.equal((await environments()).length, 1);
    await writeFile(join(sourceDir, 'file'), 'of today');
    const third = await start({ name: 'kept', reuse: true });
    assert.equal((await third.run('cat', ['file', 'made'])).stdout, 'of todaymade\n');
    await third.shutdown();
    await third.shutdown({ remove: true });
    assert.deepEqual(await environments(), []);
  });

  test('tells at once that the connection has gone, and has nothing left then', async () => {
    const runner = await start();
    const running = runner.run('sleep', ['1000']);
    const clients = await ownClients();
    assert.equal(clients.length, 1);
    process.kill(clients[0], 'SIGKILL');
    await assert.rejects(running, { code: 'COMPANION_ENVIRONMENT_LOST' });
    await runner.shutdown();
    await vanished(environments);
  });

  test('has programs that nobody inside can change, and no files of its user', async () => {
    const runner = await start();
    const sh = async (script) => (await runner.run('sh', ['-c', script], { reject: false })).stdout.trim();
    assert.equal(await sh('ls -A "$HOME" /run | grep -v :'), '');
    assert.equal(
      await sh('for file in /usr/new /etc/passwd /opt/new; do echo >> $file; done; echo tried'),
      'tried',
    );
    await assert.rejects(stat('/usr/new'), { code: 'ENOENT' });
    assert.equal(
      await sh('grep -E "^Cap(Prm|Eff):" /proc/self/status | tr -d "\\n[:alpha:]:[:space:]"'),
      '0'.repeat(32),
    );
    assert.equal(await sh('ls /proc/self/fd | wc -l'), '4', "the fourth is the listing's own");
    await runner.shutdown();
  });

  test('sends copies that write through no link, and no rights', async () => {
    const runner = await start();
    const target = join(directory, 'target');
    await writeFile(join(directory, 'kept'), 'kept');
    const make =
      'mkdir /tmp/out && ln -s ../kept /tmp/out/file && cp /bin/true /tmp/out/tool && chmod 4755 /tmp/out/tool';
    await runner.run('sh', ['-c', make]);
    await runner.copyOut('/tmp/out', target);
    await runner.run('sh', ['-c', 'rm /tmp/out/file && echo changed > /tmp/out/file']);
    await runner.copyOut('/tmp/out', target);
    assert.equal(await readFile(join(directory, 'kept'), 'utf8'), 'kept');
    assert.equal(await readFile(join(target, 'file'), 'utf8'), 'changed\n');
    assert.equal((await stat(join(target, 'tool'))).mode & 0o7777, 0o755);
    await runner.run('mkfifo', ['/tmp/out/pipe']);
    await assert.rejects(runner.copyOut('/tmp/out', join(directory, 'pipe')), /only files/);
    await runner.shutdown();
  });

  test('that does not let in says why, and what to do', async () => {
    const answer = async (changes) => {
      const { available, reason, hint } = await sshBackend.detect(
        { backendOptions: { ...connection, ...changes } },
        {},
      );
      assert.equal(available, false);
      return [reason, hint];
    };
    const { options } = connection;
    const [refused] = await answer({ port: 1 });
    assert.match(refused, /^127\.0\.0\.1: .*Connection refused/);
    const [unknown, compare] = await answer({
      options: [...options.slice(0, 1), 'UserKnownHostsFile=none', ...options.slice(2)],
    });
    assert.match(unknown, /Host key verification failed/);
    assert.match(compare, /once by hand/);
    const [denied, key] = await answer({ identityFile: join(directory, 'none') });
    assert.match(denied, /Permission denied/);
    assert.match(key, /identityFile/);
    const [nowhere] = await answer({ host: 'no-such-machine.invalid' });
    assert.match(nowhere, /Could not resolve hostname/);
  });
});

/** Processes of this machine with that mark. */
async function marked(mark) {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const found = await Promise.all(pids.map(async (pid) => (await read(pid)).includes(`MARK=${mark}`)));
  return pids.filter((_, index) => found[index]);
}

/** This program's processes of ssh(1). */
async function ownClients() {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const pids = children.trim().split(' ').map(Number);
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8')));
  return pids.filter((_, index) => names[index] === 'ssh\n');
}

/** Nobody tells when it is done: it is looked for until then, for ten times what it may take. */
async function vanished(list) {
  const end = Date.now() + 10_000;
  let left = await list();
  while (left.length > 0 && Date.now() < end) left = await list();
  assert.deepEqual(left, []);
}
