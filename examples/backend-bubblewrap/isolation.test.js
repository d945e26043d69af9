// What the sandbox keeps away, seen from inside. That it is a proper backend is shown by backend.test.js.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startCompanion } from '@companion/core';
import { bubblewrapBackend } from './backend.js';
import { whyUnavailable } from './detect.js';
import { account } from './sandbox-options.js';

const { version, reason } = await whyUnavailable();
const skip = version === undefined && `bubblewrap is not available: ${reason}`;

describe('a sandbox', { skip }, () => {
  let directory;
  let sandbox;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
    const sourceDir = join(directory, 'source');
    await mkdir(sourceDir);
    await writeFile(join(sourceDir, 'mounted'), 'mounted');
    await writeFile(join(directory, 'secret'), 'secret');
    sandbox = await startCompanion({ backends: [bubblewrapBackend], sourceDir });
  });
  after(async () => {
    await sandbox.shutdown();
    await rm(directory, { recursive: true });
  });

  const sh = async (script, ...args) => {
    const { code, stdout } = await sandbox.run('sh', ['-c', script, 'sh', ...args], { reject: false });
    return { code, stdout: stdout.trim() };
  };

  test("has of this machine's files the programs and what is mounted", async () => {
    assert.equal((await sh('cat mounted')).stdout, 'mounted');
    assert.notEqual(
      (await sh('cat "$1"', join(directory, 'secret'))).code,
      0,
      'a file beside the mounted ones',
    );
    assert.equal((await sh('ls -A "$HOME" /tmp /var/tmp | grep -v ":$"')).stdout, '');
    for (const path of ['/etc/shadow', '/etc/ssh', '/etc/ssl/private', '/var/lib', '/srv', '/sys', '/boot']) {
      assert.equal((await sh('[ -e "$1" ]', path)).code, 1, path);
    }
  });

  test('changes nothing but what is mounted and its own temporary files', async () => {
    for (const path of ['/usr/new', '/usr/local/bin/new', '/etc/passwd', '/.companion-supervisor']) {
      assert.notEqual((await sh('echo changed >> "$1"', path)).code, 0, path);
    }
    // The value that it has: should it work after all, nothing has changed.
    const setting = '/proc/sys/kernel/core_pattern';
    assert.notEqual((await sh('cat "$1" > /tmp/value && cat /tmp/value > "$1"', setting)).code, 0, setting);
    const written = await sh('for file in /tmp/file ~/file changed; do echo text > $file && cat $file; done');
    assert.equal(written.stdout, 'text\ntext\ntext');
  });

  test('gives its processes no capability, and nothing open but their streams', async () => {
    const { stdout } = await sh('grep -E "^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs):" /proc/self/status');
    const none = '0000000000000000';
    assert.deepEqual(Object.fromEntries(stdout.split('\n').map((line) => line.split(/:\s*/))), {
      CapInh: none,
      CapPrm: none,
      CapEff: none,
      CapAmb: none,
      NoNewPrivs: '1',
    });
    // The fourth is the listing's own.
    assert.deepEqual((await sh('ls /proc/self/fd')).stdout.split('\n'), ['0', '1', '2', '3']);
  });

  test('reaches no server of this machine', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const program = 'exit !IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => shift)';
    const { port } = server.address();
    const { code } = await sandbox.run('perl', ['-MIO::Socket::INET', '-e', program, String(port)], {
      reject: false,
    });
    server.close();
    assert.equal(code, 1);
  });

  test('sees no process of this machine, and cannot end its own first one', async () => {
    assert.equal((await sh('kill -KILL 1; kill -TERM 1; kill -STOP 1; echo alive')).stdout, 'alive');
    // Those between the first one and this program go with all others, and its verdict with them.
    await sandbox.run('sh', ['-c', 'kill -KILL -1'], { reject: false }).catch(() => {});
    assert.equal((await sh('cat /proc/1/comm')).stdout, '.companion-supe');
    assert.equal((await sh('set -- /proc/[0-9]*; echo $#')).stdout, '3', 'the first, one for sh, and sh');
  });

  test('ends what has gone into a namespace of its own', async () => {
    const beat = join(directory, 'source', 'beat');
    const script =
      'unshare -U -p -f sh -c "while :; do echo >> beat; sleep 0.01; done" & while [ ! -s beat ]; do sleep 0.01; done';
    const tree = await sandbox.spawn('sh', ['-c', `${script}; sleep 1000`]);
    while (!existsSync(beat)) await new Promise((resolve) => setTimeout(resolve, 5));
    await tree.stop({ graceMs: 0 });
    const { size } = await stat(beat);
    await sh('sleep 0.1');
    assert.equal((await stat(beat)).size, size);
  });

  test('gives copies that write through no link, and no rights', async () => {
    const target = join(directory, 'target');
    await writeFile(join(directory, 'kept'), 'kept');
    await sh(
      'mkdir /tmp/out && ln -s ../kept /tmp/out/file && cp /bin/true /tmp/out/tool && chmod 4755 /tmp/out/tool',
    );
    await sandbox.copyOut('/tmp/out', target);
    await sh('rm /tmp/out/file && echo changed > /tmp/out/file');
    await sandbox.copyOut('/tmp/out', target);
    assert.equal(await readFile(join(directory, 'kept'), 'utf8'), 'kept');
    assert.equal(await readFile(join(target, 'file'), 'utf8'), 'changed\n');
    assert.equal((await stat(join(target, 'tool'))).mode & 0o7777, 0o755);
  });

  test('keeps a home for the next one, until somebody removes it', async () => {
    const options = { backends: [bubblewrapBackend], sourceDir: directory, name: 'kept', reuse: true };
    const first = await startCompanion(options);
    await first.run('sh', ['-c', 'echo text > ~/file']);
    // One has it at a time: what is inside must not move while it is mounted or removed.
    const other = await startCompanion(options);
    assert.equal((await other.run('sh', ['-c', '[ -e ~/file ]'], { reject: false })).code, 1);
    await other.shutdown();
    await first.shutdown();
    const second = await startCompanion(options);
    assert.equal((await second.run('sh', ['-c', 'cat ~/file'])).stdout, 'text\n');
    await second.shutdown();
    await second.shutdown({ remove: true });
    const third = await startCompanion(options);
    assert.equal((await third.run('sh', ['-c', '[ -e ~/file ]'], { reject: false })).code, 1);
    await third.shutdown({ remove: true });
  });

  test('refuses a mount in a home that is kept', async () => {
    const kept = startCompanion({
      backends: [bubblewrapBackend],
      sourceDir: directory,
      workspaceDir: join(account().home, 'project'),
      reuse: true,
    });
    await assert.rejects(kept, { code: 'COMPANION_UNSUPPORTED' });
  });
});
