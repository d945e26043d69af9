import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Supervisor } from '../../src/supervisor.js';
import { isRunnable, run, startSupervisor, WHERE } from './real-supervisor.js';

const isRoot = process.getuid?.() === 0;
const parent = mkdtempSync(join(tmpdir(), 'companion-account-'));
let etc: string;
let homes: string;

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# comment:x:7:7::/:
+::::::
node:x:1000:1000:Node:HOMES/node:/bin/sh
twice:x:1000:2000::/:/bin/sh
broken:x:x:1::/:/bin/sh
daemon:x:2:2`;
const GROUP = `root:x:0:
wheel:x:10:root,node
node:x:1000:node
docker:x:999:other,node
12:x:13:
tail:x:14:node`;

beforeEach(() => {
  const folder = mkdtempSync(join(parent, 'd'));
  etc = join(folder, 'etc');
  homes = join(folder, 'homes');
  mkdirSync(etc);
  mkdirSync(join(homes, 'node'), { recursive: true });
  for (const one of [parent, folder, homes, join(homes, 'node')]) chmodSync(one, 0o755);
  writeFileSync(join(etc, 'passwd'), PASSWD.replace('HOMES', homes));
  writeFileSync(join(etc, 'group'), GROUP);
});
afterAll(() => rmSync(parent, { recursive: true }));

/** A supervisor that sees the files above as its own. */
async function start(more = ''): Promise<Supervisor> {
  const script = `mount --bind "$1" /etc${more} && exec "$0"`;
  const wrapper = ['unshare', '--mount', 'sh', '-c', script];
  const { supervisor } = await startSupervisor(undefined, { wrapper, args: [etc] });
  return supervisor;
}

const linesOf = (file: string): string[] => readFileSync(join(etc, file), 'utf8').split('\n');

describe.runIf(isRunnable && isRoot)(`account() ${WHERE}, as root`, () => {
  it('can be looked up by everybody, whoever the files were made for', async () => {
    chmodSync(join(etc, 'passwd'), 0o600);
    chmodSync(join(etc, 'group'), 0o640);
    const supervisor = await start();
    const { problems } = await supervisor.account({ user: '1234:1234', name: 'somebody' });
    expect(problems).toEqual([]);
    expect(['passwd', 'group'].map((file) => statSync(join(etc, file)).mode & 0o777)).toEqual([0o644, 0o644]);
  });

  it.each([
    ['', { uid: 0, gid: 0, home: '/root', name: 'root', groups: [0, 10] }],
    ['root', { uid: 0, gid: 0, home: '/root', name: 'root', groups: [0, 10] }],
    ['node', { uid: 1000, gid: 1000, name: 'node', groups: [1000, 10, 999, 14] }],
    ['1000', { uid: 1000, gid: 1000, name: 'node', groups: [1000, 10, 999, 14] }],
    ['node:wheel', { uid: 1000, gid: 10, name: 'node', groups: [10] }],
    ['1000:77', { uid: 1000, gid: 77, name: 'node', groups: [77] }],
    [':wheel', { uid: 0, gid: 10, name: 'root', groups: [10] }],
    ['node:', { uid: 1000, gid: 1000, name: 'node', groups: [1000, 10, 999, 14] }],
    ['node:12', { uid: 1000, gid: 12, name: 'node', groups: [12] }],
    ['4242', { uid: 4242, gid: 0, home: '/', name: '', groups: [0] }],
    ['daemon', { uid: 2, gid: 2, home: '', name: 'daemon', groups: [2] }],
    ['2147483647:2147483647', { uid: 2147483647, gid: 2147483647, home: '/', name: '' }],
  ])('finds whom Docker finds: %s', async (user, found) => {
    const supervisor = await start();
    expect(await supervisor.account({ user })).toMatchObject({ ...found, problems: [] });
    expect(linesOf('passwd').join('\n')).toBe(PASSWD.replace('HOMES', homes));
  });

  it.each([
    ['nobody-here', 'no user called nobody-here'],
    ['broken', 'no user called broken'],
    ['comment', 'no user called comment'],
    ['-1', 'no user called -1'],
    ['root:nobodies', 'no group called nobodies'],
    ['2147483648', 'no user or group has the number 2147483648: the last one is 2147483647'],
    ['0:99999999999999999999', 'no user or group has the number 99999999999999999999'],
  ])('rejects for one that does not exist: %s', async (user, message) => {
    const supervisor = await start();
    await expect(supervisor.account({ user })).rejects.toThrow(message);
  });

  it('adds what is missing, and makes a home', async () => {
    const supervisor = await start();
    const home = join(homes, 'deep/me');
    const account = await supervisor.account({ user: '4242:4343', name: 'me', home });
    expect(account).toEqual({ uid: 4242, gid: 4343, groups: [4343], home, name: 'me', problems: [] });
    expect(linesOf('passwd').slice(-3)).toEqual(['daemon:x:2:2', `me:x:4242:4343::${home}:/bin/sh`, '']);
    expect(linesOf('group').slice(-3)).toEqual(['tail:x:14:node', 'me:x:4343:', '']);
    expect(statSync(home)).toMatchObject({ uid: 4242, gid: 4343, mode: 0o040755 });
    const { uid, gid, groups } = account;
    const user = { uid, gid, groups };
    expect(
      (await run(supervisor, 'sh', ['-c', 'id -un && touch ~/file'], { user, env: { HOME: home } })).stdout,
    ).toBe('me\n');
    // Once more: nothing is missing.
    const before = linesOf('passwd');
    expect(await supervisor.account({ user: '4242:4343', name: 'other', home: '/elsewhere' })).toEqual(
      account,
    );
    expect(linesOf('passwd')).toEqual(before);
  });

  it('makes the files where there are none', async () => {
    for (const file of ['passwd', 'group']) rmSync(join(etc, file));
    const supervisor = await start();
    expect(await supervisor.account({ user: '4242:4242', name: 'me' })).toMatchObject({
      name: 'me',
      problems: [],
    });
    expect(linesOf('passwd')).toEqual(['me:x:4242:4242::/:/bin/sh', '']);
    expect(statSync(join(etc, 'passwd')).mode).toBe(0o100644);
  });

  it('takes another name where this one is somebody else, and adds a group for a user who has an entry', async () => {
    const supervisor = await start();
    expect(await supervisor.account({ user: '4242:1000', name: 'node' })).toMatchObject({ name: 'node4242' });
    expect(linesOf('passwd').at(-2)).toBe('node4242:x:4242:1000::/:/bin/sh');
    expect(await supervisor.account({ user: '1000:5', name: 'node' })).toMatchObject({ name: 'node' });
    expect(linesOf('group').at(-2)).toBe('node5:x:5:');
  });

  it('keeps the home of an entry that its user can write to, and takes the other one else', async () => {
    const supervisor = await start();
    const home = join(homes, 'other');
    const theirs = join(homes, 'node');
    expect((await supervisor.account({ user: 'node', home })).home).toBe(home);
    appendFileSync(join(etc, 'group'), '\nwriters:x:50:node\n');
    chmodSync(theirs, 0o775);
    await run(supervisor, 'chgrp', ['50', theirs], { env: { PATH: '/usr/bin:/bin' } });
    expect((await supervisor.account({ user: 'node', home })).home).toBe(theirs);
  });

  it('gives a home that an engine has made to its user, and what is mounted in it to nobody', async () => {
    const home = join(homes, 'me');
    const mounted = join(home, '.cache/go');
    const file = join(home, 'file');
    mkdirSync(mounted, { recursive: true });
    writeFileSync(file, '');
    const supervisor = await start(` && mount -t tmpfs go ${mounted} && mount --bind /etc/passwd ${file}`);
    expect(await supervisor.account({ user: '4242:4242', home })).toMatchObject({ home, problems: [] });
    const paths = [home, join(home, '.cache'), mounted, file];
    const { stdout } = await run(supervisor, 'stat', ['-c', '%u', ...paths]);
    expect(stdout).toBe('4242\n4242\n0\n0\n');
  });

  it.each([
    ['has a file of somebody in it', (home: string) => writeFileSync(join(home, 'x'), ''), ''],
    ['is a mount', () => {}, 'mount -t tmpfs -o mode=755 home HOME'],
  ])('leaves a home alone that %s', async (_what, prepare, mount) => {
    const home = join(homes, 'me');
    mkdirSync(home);
    prepare(home);
    const supervisor = await start(mount === '' ? '' : ` && ${mount.replace('HOME', home)}`);
    const { problems } = await supervisor.account({ user: '4242:4242', home });
    expect(problems).toEqual([`${home} could not be made a home for 4242: Permission denied`]);
    expect((await run(supervisor, 'stat', ['-c', '%u', home])).stdout).toBe('0\n');
  });

  it('reports what a read-only root does not take, and says who it is all the same', async () => {
    const supervisor = await start(
      ` && mount --bind ${homes} ${homes} && mount -o remount,bind,ro ${homes} && mount -o remount,bind,ro /etc`,
    );
    const home = join(homes, 'me');
    const account = await supervisor.account({ user: '4242:4242', name: 'me', home });
    expect(account).toMatchObject({ uid: 4242, gid: 4242, home, name: 'me' });
    expect(account.problems).toEqual([
      `${home} could not be made a home for 4242: Read-only file system`,
      '/etc/passwd could not get an entry for 4242: Read-only file system',
      '/etc/group could not get an entry for 4242: Read-only file system',
    ]);
  });

  it('says that it does not take a name that would be more than one', async () => {
    const supervisor = await start();
    for (const name of ['a:b', 'a\nb', '', '-x', 'a,b']) {
      await expect(supervisor.account({ user: '1', name })).rejects.toThrow('takes no such account');
    }
  });
});
