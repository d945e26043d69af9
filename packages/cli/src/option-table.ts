import { parseArgs } from 'node:util';
import { closestName } from './closest-name.js';
import { usageError } from './command-line-error.js';

/** One option of a command: how it is read, and its lines in the help text. */
interface OptionSpec {
  readonly short?: string;
  /** What the help text calls its value; without it the option is a switch. */
  readonly value?: string;
  readonly multiple?: true;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** What was given, by option name. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly multiple: true }
    ? readonly string[]
    : Table[Name] extends { readonly value: string }
      ? string | undefined
      : boolean;
};

export interface ParsedArguments<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  readonly positionals: readonly string[];
  /** What stands behind `--`; `undefined` without it. */
  readonly rest: readonly string[] | undefined;
}

/**
 * Reads a command's arguments. `unexpected` says what is wrong with an argument that is no option, for commands that
 * take none. @throws CommandLineError for that, for an unknown option, for a value too many or too few.
 */
export function parseOptions<Table extends OptionTable>(
  args: readonly string[],
  table: Table,
  unexpected?: (argument: string) => Error,
): ParsedArguments<Table> {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { short, value, multiple }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
        ...(multiple === undefined ? {} : { multiple }),
      },
    ]),
  );
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    values[name] = spec.multiple ? [] : spec.value === undefined ? false : undefined;
  }
  const positionals: string[] = [];
  let rest: string[] | undefined;
  // Not strict: strict mode's messages cannot name the option that was meant.
  for (const token of parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens) {
    if (token.kind === 'option-terminator') {
      rest = args.slice(token.index + 1);
      break;
    }
    if (token.kind === 'positional') {
      if (unexpected !== undefined) throw unexpected(token.value);
      positionals.push(token.value);
      continue;
    }
    const spec = table[token.name];
    if (spec === undefined) throw unknownOption(token.rawName, table);
    const value = checkedValue(token.rawName, spec, token.value, token.inlineValue);
    if (spec.multiple) (values[token.name] as unknown[]).push(value);
    else values[token.name] = value;
  }
  return { values: values as OptionValues<Table>, positionals, rest };
}

function checkedValue(
  option: string,
  spec: OptionSpec,
  value: string | undefined,
  inline: boolean | undefined,
): string | true {
  if (spec.value === undefined) {
    if (value !== undefined) throw usageError(`${option} takes no value, got "${value}"`);
    return true;
  }
  // `--backend --json` forgot the value; one that does begin with a dash is written behind an equals sign.
  if (value === undefined || (!inline && value.length > 1 && value.startsWith('-'))) {
    throw usageError(`${option} needs a value: ${option} ${spec.value}`);
  }
  return value;
}

function unknownOption(given: string, table: OptionTable): Error {
  const meant = closestName(given.replace(/^--?/, ''), Object.keys(table));
  return usageError(
    `unknown option ${given}`,
    meant === undefined ? 'Options stand before `--`; --help lists them.' : `Did you mean --${meant}?`,
  );
}

/** The options' lines of a help text, in the table's order. */
export function optionHelp(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, { short, value, help }]) => ({
    left: `  ${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help: help.split('\n'),
  }));
  const width = Math.min(34, Math.max(...rows.map(({ left }) => left.length)) + 2);
  const margin = ' '.repeat(width);
  return rows
    .map(({ left, help }) => {
      const [first = '', ...others] = help;
      const head = left.length + 2 > width ? `${left}\n${margin}${first}` : `${left.padEnd(width)}${first}`;
      return [head, ...others.map((line) => `${margin}${line}`)].join('\n');
    })
    .join('\n');
}
