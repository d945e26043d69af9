import { text } from 'node:stream/consumers';
import { SpawnFailure } from './spawn-failure.js';
import type { SupervisedCommand } from './spawn-frame.js';
import type { SupervisedProcess } from './supervised-process.js';

/** In the process that becomes the program this is still the supervisor, wherever its file is, or was. */
const OWN_FILE = '/proc/self/exe';

type Spawn = (command: SupervisedCommand) => Promise<SupervisedProcess>;

/** Where and as whom a program is looked for: as in a {@link SupervisedCommand}. */
export type Whereabouts = Pick<SupervisedCommand, 'env' | 'cwd' | 'user' | 'noRights'>;

/** Whom to look up, and what to make where it is missing. */
export interface AccountRequest {
  /** As Docker's `--user`: a name or a number, and perhaps a group behind a colon. */
  readonly user: string;
  /** Absolute; made and taken where there is no entry, or where its home is missing or cannot be written to. */
  readonly home?: string;
  /** For the entries of `/etc/passwd` and `/etc/group` that are missing. Another one has it: the number is appended. */
  readonly name?: string;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** `gid` first; of `/etc/group` only when the request names no group. */
  readonly groups: readonly number[];
  readonly home: string;
  /** Empty for who has no entry. */
  readonly name: string;
  /** What could not be made, a sentence each. */
  readonly problems: readonly string[];
}

/** The absolute path of what a spawn would run, by the supervisor's own search; null where there is nothing. */
export async function resolveProgram(spawn: Spawn, file: string, at: Whereabouts): Promise<string | null> {
  const { env, cwd, user, noRights = false } = at;
  const asker = { ...(user === undefined ? {} : { user }), noRights };
  const { code, stdout, stderr } = await runOwn(spawn, ['--resolve', file], { env, cwd, ...asker });
  if (code > 1) throw new Error(`the supervisor could not look for ${file}: ${stderr}`);
  return code === 1 ? null : stdout.slice(0, stdout.indexOf('\0'));
}

/** Rejects where there is no such user or group. */
export async function findAccount(spawn: Spawn, { user, home, name }: AccountRequest): Promise<Account> {
  const args = ['--account', user];
  if (home !== undefined) args.push('--home', home);
  if (name !== undefined) args.push('--name', name);
  const { code, stdout, stderr } = await runOwn(spawn, args, { env: {}, cwd: '/', ownRights: true });
  if (code !== 0)
    throw new Error(code === 1 ? stderr : `the supervisor takes no such account: ${args.slice(1).join(' ')}`);
  const [uid = '', gid = '', itsHome = '', itsName = '', groups = ''] = stdout.split('\0');
  return {
    uid: Number(uid),
    gid: Number(gid),
    groups: groups.split(',').map(Number),
    home: itsHome,
    name: itsName,
    problems: stderr.split('\n').filter((one) => one !== ''),
  };
}

async function runOwn(
  spawn: Spawn,
  args: readonly string[],
  as: Omit<SupervisedCommand, 'file' | 'args' | 'stdin'>,
) {
  const started = await spawn({ ...as, file: OWN_FILE, args, stdin: 'ignore' }).catch((failure: unknown) => {
    if (!(failure instanceof SpawnFailure) || failure.phase !== 'program') throw failure;
    const message = `the supervisor cannot run its own file inside (${failure.code}): is /proc mounted there?`;
    throw new Error(message, { cause: failure });
  });
  const [stdout, stderr, exit] = await Promise.all([
    text(started.stdout),
    text(started.stderr),
    started.exited,
  ]);
  if (exit.code === null) throw new Error(`the supervisor's program ${args[0]} was ended by ${exit.signal}`);
  return { code: exit.code, stdout, stderr: stderr.trimEnd() };
}
