import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRunnable, run, startSupervisor, WHERE } from './real-supervisor.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'companion-resolve-')));
const isRoot = process.getuid?.() === 0;

beforeAll(() => {
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'bin/folder'), { recursive: true });
  writeFileSync(join(folder, 'bin/tool'), '#!/bin/sh\necho "$0"\n', { mode: 0o755 });
  writeFileSync(join(folder, 'bin/private'), '#!/bin/sh\n', { mode: 0o700 });
  mkdirSync(join(folder, 'first'));
  writeFileSync(join(folder, 'first/tool'), '', { mode: 0o644 });
  symlinkSync('tool', join(folder, 'bin/link'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.runIf(isRunnable)(`resolve() ${WHERE}`, () => {
  it.each<[what: string, file: string, env: { PATH?: string }, found: string | null]>([
    ['a name', 'tool', { PATH: '/nowhere:BIN' }, 'BIN/tool'],
    ['a link, as itself', 'link', { PATH: 'BIN' }, 'BIN/link'],
    ['a name behind one that cannot be run', 'tool', { PATH: 'FOLDER/first:BIN' }, 'BIN/tool'],
    ['a name in a relative entry', 'tool', { PATH: 'bin' }, 'BIN/tool'],
    ['a name in an empty entry', 'tool', { PATH: '/nowhere::' }, null],
    ['a name where nothing says PATH', 'sh', {}, '/usr/bin/sh'],
    ['a relative path', './bin/tool', {}, 'BIN/tool'],
    ['an absolute path', 'BIN/tool', {}, 'BIN/tool'],
    ['a directory', 'folder', { PATH: 'BIN' }, null],
    ['a file that cannot be run', 'FOLDER/first/tool', {}, null],
    ['nothing', '', { PATH: 'BIN' }, null],
    ['what looks like an option', '--account', { PATH: 'BIN' }, null],
  ])('finds what spawn() would run: %s', async (_what, file, env, found) => {
    const { supervisor } = await startSupervisor({ PATH: '/nowhere' });
    const place = (text: string): string => text.replaceAll('BIN', 'FOLDER/bin').replaceAll('FOLDER', folder);
    const variables: Record<string, string> = env.PATH === undefined ? {} : { PATH: place(env.PATH) };
    const resolved = await supervisor.resolve(place(file), { env: variables, cwd: folder });
    expect(resolved).toBe(found === null ? null : place(found));
  });

  it('rejects where the directory is missing, as spawn() does', async () => {
    const { supervisor } = await startSupervisor();
    const asking = supervisor.resolve('sh', { env: {}, cwd: join(folder, 'nothing') });
    await expect(asking).rejects.toMatchObject({ phase: 'directory', code: 'ENOENT' });
  });

  it.runIf(isRoot)('finds what that user may run (as root)', async () => {
    const { supervisor } = await startSupervisor();
    const env = { PATH: join(folder, 'bin') };
    const user = { uid: 54_321, gid: 54_321 };
    expect(await supervisor.resolve('private', { env, cwd: '/' })).toBe(join(folder, 'bin/private'));
    expect(await supervisor.resolve('private', { env, cwd: '/', user })).toBeNull();
    expect(await supervisor.resolve('tool', { env, cwd: '/', user, noRights: true })).toBe(
      join(folder, 'bin/tool'),
    );
  });

  it.runIf(isRoot)('says why it cannot where there is no /proc (as root)', async () => {
    const wrapper = ['unshare', '--mount', 'sh', '-c', 'umount -l /proc && exec "$0"'];
    const { supervisor } = await startSupervisor(undefined, { wrapper });
    await expect(supervisor.resolve('sh', { env: {}, cwd: '/' })).rejects.toThrow('is /proc mounted there?');
    expect((await run(supervisor, 'echo', ['hi'])).stdout).toBe('hi\n');
  });
});
