import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { supervisorBinary } from '../../src/binary.js';
import { isRunnable, run, startSupervisor, WHERE } from './real-supervisor.js';

const isRoot = process.getuid?.() === 0;
const NONE = '0000000000000000';
/** CHOWN, KILL, SETGID, SETUID, SETPCAP. */
const SOME = '00000000000001e1';
const SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const;

type Rights = Partial<Parameters<typeof run>[3]>;

/** What a process may do, and which groups it is in, by what the kernel says of it. */
async function rightsOf(supervisor: Parameters<typeof run>[0], more: Rights = {}) {
  const { stdout } = await run(supervisor, 'cat', ['/proc/self/status'], more);
  const field = (name: string): string =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(stdout)?.[1] ?? '';
  return { sets: SETS.map(field), groups: field('Groups'), noNewPrivs: field('NoNewPrivs') };
}

describe.runIf(isRunnable && isRoot)(`--capabilities ${WHERE}, as root`, () => {
  const limited = ['--capabilities', SOME];

  it('is what root has at most', async () => {
    const { supervisor } = await startSupervisor(undefined, { args: limited });
    const { sets, noNewPrivs } = await rightsOf(supervisor);
    expect(sets).toEqual([NONE, SOME, SOME, SOME, NONE]);
    expect(noNewPrivs).toBe('0');
  });

  it('leaves nothing to others, who can get nothing beyond it', async () => {
    const { supervisor } = await startSupervisor(undefined, { args: limited });
    const { sets } = await rightsOf(supervisor, { user: { uid: 54_321, gid: 54_321 } });
    expect(sets).toEqual([NONE, NONE, NONE, SOME, NONE]);
  });

  it('does not hold for what has the rights of the supervisor itself, which keeps them', async () => {
    const { supervisor } = await startSupervisor(undefined, { args: limited });
    const { sets: own } = await rightsOf(supervisor, { ownRights: true });
    const { sets } = await rightsOf((await startSupervisor()).supervisor);
    expect(own).toEqual(sets);
    expect(own[3]).not.toBe(SOME);
  });

  it('takes inheritable and ambient ones as well', async () => {
    const inherited = ['setpriv', '--inh-caps=+net_admin,+chown', '--ambient-caps=+net_admin,+chown'];
    const { supervisor } = await startSupervisor(undefined, { args: limited, wrapper: inherited });
    const { sets } = await rightsOf(supervisor);
    expect(sets).toEqual(['0000000000000001', SOME, SOME, SOME, '0000000000000001']);
  });

  it('fails a start where it cannot be had, and starts nothing', async () => {
    const wrapper = ['setpriv', '--bounding-set=-setpcap'];
    const { supervisor } = await startSupervisor(undefined, { args: limited, wrapper });
    await expect(run(supervisor, 'true')).rejects.toMatchObject({ phase: 'user', code: 'EPERM' });
    const { sets } = await rightsOf(supervisor, { ownRights: true });
    expect(sets[3]).not.toBe(SOME);
  });

  it('may be nothing, and noRights is nothing whatever it says', async () => {
    const { supervisor } = await startSupervisor(undefined, { args: ['--capabilities', '0'] });
    expect((await rightsOf(supervisor)).sets).toEqual(SETS.map(() => NONE));
    const { supervisor: other } = await startSupervisor(undefined, { args: limited });
    const { sets, noNewPrivs } = await rightsOf(other, { noRights: true, ownRights: true });
    expect({ sets, noNewPrivs }).toEqual({ sets: SETS.map(() => NONE), noNewPrivs: '1' });
  });
});

describe.runIf(isRunnable && isRoot)(`a user ${WHERE}, as root`, () => {
  it('is in no other groups, or in those that are said', async () => {
    const { supervisor } = await startSupervisor();
    const user = { uid: 54_321, gid: 54_322 };
    expect((await rightsOf(supervisor, { user })).groups).toBe('');
    const groups = [54_322, 7, 4_000_000_000];
    expect((await rightsOf(supervisor, { user: { ...user, groups } })).groups).toBe('7 54322 4000000000');
    expect((await rightsOf(supervisor, { user: { ...user, groups: [] } })).groups).toBe('');
  });

  it('is refused with more groups than a process can be in', async () => {
    const { supervisor } = await startSupervisor();
    const groups = Array.from({ length: 65_537 }, (_, index) => index);
    const refused = run(supervisor, 'true', [], { user: { uid: 1, gid: 1, groups } });
    await expect(refused).rejects.toMatchObject({ phase: 'user', code: 'EINVAL' });
  });
});

describe.runIf(isRunnable)(`the command line ${WHERE}`, () => {
  it.each([
    ['--capabilities'],
    ['--capabilities', ''],
    ['--capabilities', '0x1'],
    ['--capabilities', '-1'],
    ['--capabilities', '10000000000000000'],
    ['--stream', '77'],
    ['--stream', '1x'],
    ['--idle', '-1'],
    ['--idle', 'soon'],
    ['--idle', '1', '--capabilities', '0'],
    ['--resolve', 'sh', '--home', '/'],
    ['--account', 'root', '--home', 'relative'],
    ['--account', 'root', '--home', '//'],
    ['--account', 'root', '--name', 'a:b'],
    ['--name', 'a'],
    ['--version', '1'],
  ])('is refused: %s %s %s %s', (...args) => {
    const ended = spawnSync(supervisorBinary(), args, { encoding: 'utf8' });
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain('usage: companion-supervisor');
  });
});
