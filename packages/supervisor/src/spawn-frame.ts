import type { Command, TerminalSize, User } from '@companion/core/backend';
import { OUTPUT_WINDOW } from './output-flow.js';
import { MAX_SPAWN_BYTES, SpawnFlag } from './protocol.js';
import { SpawnFailure } from './spawn-failure.js';

/** Who a process runs as: a {@link User} and the groups that he is in besides. */
export interface SupervisedUser extends User {
  /** Default: none. */
  readonly groups?: readonly number[];
}

/** What a supervisor can start: a {@link Command}, and more. */
export interface SupervisedCommand extends Omit<Command, 'user'> {
  readonly user?: SupervisedUser;
  /** The variables of `env` are added to the supervisor's own. Default: they are all there is. */
  readonly additiveEnv?: boolean;
  /** It runs without any capability and can get none: `no_new_privs`, an empty bounding set. Default: false. */
  readonly noRights?: boolean;
  /** It may have every capability of the supervisor's, whatever `--capabilities` says of programs. Default: false. */
  readonly ownRights?: boolean;
}

const FIXED_BYTES = 32;
const ENOENT = 2;
const E2BIG = 7;

/** Throws a `RangeError` for a size that no terminal has. */
export function checkTerminalSize({ columns, rows }: TerminalSize): void {
  checkNumber('columns', columns, 0xffff);
  checkNumber('rows', rows, 0xffff);
}

function checkNumber(what: string, value: number, greatest: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= greatest) return;
  throw new RangeError(`${what}: expected a number from 0 to ${greatest}, got ${value}`);
}

/** The payload of a `SPAWN`. */
export interface SpawnPayload {
  readonly size: number;
  write(block: Buffer, offset: number): void;
}

/**
 * Throws a {@link SpawnFailure} for what the kernel would refuse and the protocol cannot say, a `TypeError` or `RangeError`
 * for what no system could pass on: nothing may fail once the frame has been begun.
 */
export function spawnPayload(command: SupervisedCommand): SpawnPayload {
  const { file, args, env, cwd, tty, user } = command;
  if (tty !== undefined) checkTerminalSize(tty);
  checkNumber('user.uid', user?.uid ?? 0, 0xffff_ffff);
  checkNumber('user.gid', user?.gid ?? 0, 0xffff_ffff);
  for (const group of user?.groups ?? []) checkNumber('user.groups', group, 0xffff_ffff);
  const groups = user?.groups === undefined ? [] : [user.groups.length, ...user.groups];
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = [cwd, file, ...args, ...variables];
  if (strings.some((one) => one.includes('\0'))) {
    throw new TypeError(`a path, an argument or a variable for ${file.split('\0', 1)[0]} has a zero byte`);
  }
  const text = `${strings.join('\0')}\0`;
  const textAt = FIXED_BYTES + 4 * groups.length;
  const size = textAt + Buffer.byteLength(text);
  if (cwd === '') throw new SpawnFailure({ phase: 'directory', errno: ENOENT, exists: false, file, cwd });
  if (file === '') throw new SpawnFailure({ phase: 'program', errno: ENOENT, exists: false, file, cwd });
  if (size > MAX_SPAWN_BYTES) {
    throw new SpawnFailure({ phase: 'program', errno: E2BIG, exists: true, file, cwd });
  }
  const write = (block: Buffer, offset: number): void => {
    block.writeUInt32LE(flagsOf(command), offset);
    block.writeUInt32LE(OUTPUT_WINDOW, offset + 4);
    block.writeUInt32LE(tty === undefined ? OUTPUT_WINDOW : 0, offset + 8);
    block.writeUInt16LE(tty?.columns ?? 0, offset + 12);
    block.writeUInt16LE(tty?.rows ?? 0, offset + 14);
    block.writeUInt32LE(user?.uid ?? 0, offset + 16);
    block.writeUInt32LE(user?.gid ?? 0, offset + 20);
    block.writeUInt32LE(1 + args.length, offset + 24);
    block.writeUInt32LE(variables.length, offset + 28);
    for (const [index, number] of groups.entries()) {
      block.writeUInt32LE(number, offset + FIXED_BYTES + 4 * index);
    }
    block.write(text, offset + textAt, 'utf8');
  };
  return { size, write };
}

function flagsOf({ stdin, tty, user, additiveEnv, noRights, ownRights }: SupervisedCommand): number {
  return (
    // A terminal is all three streams.
    (stdin !== 'ignore' || tty !== undefined ? SpawnFlag.STDIN : 0) |
    (tty === undefined ? 0 : SpawnFlag.TERMINAL) |
    (user === undefined ? 0 : SpawnFlag.USER) |
    (additiveEnv ? SpawnFlag.ADDITIVE : 0) |
    (noRights ? SpawnFlag.NO_RIGHTS : 0) |
    (user?.groups === undefined ? 0 : SpawnFlag.GROUPS) |
    (ownRights ? SpawnFlag.OWN_RIGHTS : 0)
  );
}
