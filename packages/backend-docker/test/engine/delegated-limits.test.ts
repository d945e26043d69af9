import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { notDelegated } from '../../src/engine/delegated-limits.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** As /sys/fs/cgroup is, with the controllers of the root and of user 1000. */
function cgroups({ root, user }: { readonly root?: string; readonly user?: string }): string {
  const folder = mkdtempSync(join(tmpdir(), 'cgroups-'));
  folders.push(folder);
  const own = join(folder, 'user.slice/user-1000.slice/user@1000.service');
  mkdirSync(own, { recursive: true });
  if (root !== undefined) writeFileSync(join(folder, 'cgroup.controllers'), `${root}\n`);
  if (user !== undefined) writeFileSync(join(own, 'cgroup.controllers'), `${user}\n`);
  return folder;
}

describe('limits of an engine without root', () => {
  const root = 'cpuset cpu io memory hugetlb pids rdma misc';

  test.each([
    ['in version 1 of control groups', {}, ['memoryBytes', 'cpus', 'processes']],
    ['with what systemd gives by itself', { root, user: 'memory pids' }, ['cpus']],
    ['with all that is needed', { root, user: 'cpuset cpu io memory pids' }, []],
    ['with nothing', { root, user: '' }, ['memoryBytes', 'cpus', 'processes']],
    ['without systemd, which is for the engine to say', { root }, []],
  ])('%s', async (_title, files, expected) => {
    expect(await notDelegated(1000, cgroups(files))).toEqual(expected);
  });

  test('of another user are another matter', async () => {
    expect(await notDelegated(1001, cgroups({ root, user: '' }))).toEqual([]);
  });
});
