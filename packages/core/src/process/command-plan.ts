import { parseKeys, parsePositiveInteger, parseString, parseText, parseWords } from '../argument-checks.js';
import type { Capabilities, Command, TerminalSize, User } from '../backend.js';
import { CompanionError, invalidArgument } from '../errors.js';
import type { Directory, EnvironmentVariables } from '../options.js';
import { parseUser, parseVariables } from '../settings.js';
import { findVariable, mergeVariables } from './environment-variables.js';
import type { ProcessHost } from './process-host.js';

type Variables = Readonly<Record<string, string>>;

/** What a process will be, as its builder methods shape it until it starts. */
export class CommandPlan {
  readonly file: string;
  readonly args: readonly string[];
  directory: Directory | undefined;
  stdin: Command['stdin'] = 'ignore';
  tty: TerminalSize | undefined;
  user: User | undefined;
  waitOn: string | undefined;
  readonly #changes: ((base: Variables) => Variables)[] = [];

  constructor(file: string, args: readonly string[]) {
    this.file = parseText('command', file);
    this.args = parseWords(`arguments of ${file}`, args);
  }

  setVariables(variables: EnvironmentVariables): void {
    const parsed = parseVariables('env', variables);
    this.#changes.push((base) => mergeVariables(base, parsed));
  }

  /** `extend` joins with what the variable has; where it has nothing, it gets `value` alone. */
  extendVariable(name: string, value: string, extend: (old: string) => string, separator: string): void {
    parseVariables('env', { [name]: parseString('value', value) });
    parseString('separator', separator);
    this.#changes.push((base) => {
      const old = base[findVariable(base, name) ?? name];
      return mergeVariables(base, { [name]: old === undefined || old === '' ? value : extend(old) });
    });
  }

  command(host: ProcessHost): Command {
    let env: Variables = host.environment();
    for (const change of this.#changes) env = change(env);
    return {
      file: this.file,
      args: this.args,
      env,
      cwd: host.directory(this.directory),
      stdin: this.stdin,
      ...(this.tty === undefined ? {} : { tty: this.tty }),
      ...(this.user === undefined ? {} : { user: this.user }),
    };
  }
}

export function parseStdin(value: unknown): Command['stdin'] {
  if (value === 'pipe' || value === 'ignore' || value === 'inherit') return value;
  throw invalidArgument('stdin', "'pipe', 'ignore' or 'inherit'", value);
}

export function parseTerminalSize(value: unknown): TerminalSize {
  parseKeys('terminal size', value, ['columns', 'rows']);
  const size = value as Record<string, unknown>;
  return Object.freeze({
    columns: parsePositiveInteger('columns', size.columns),
    rows: parsePositiveInteger('rows', size.rows),
  });
}

/** A process's user; on a backend that has only one, that one's own ids are fine. */
export function parseProcessUser(value: unknown, capabilities: Capabilities): User {
  const user = parseUser('user', value);
  if (typeof user === 'string') throw invalidArgument('user', '{ uid, gid }', value);
  assertCapable(
    capabilities,
    'user',
    'another user',
    capabilities.filesystem === 'shared' && isOwnUser(user),
  );
  return user;
}

export function isOwnUser(user: User): boolean {
  return process.getuid?.() === user.uid && process.getgid?.() === user.gid;
}

/** Declared or refused, never ignored. */
export function assertCapable(
  capabilities: Capabilities,
  capability: 'tty' | 'signals' | 'killTree' | 'descendants' | 'user',
  what: string,
  excepted = false,
): void {
  if (capabilities[capability] || excepted) return;
  throw new CompanionError(
    'COMPANION_UNSUPPORTED',
    `the backend of this companion does not support ${what}`,
    {
      hint: `Choose one that does: createCompanion({ requires: { ${capability}: true } }).`,
    },
  );
}
