import { release } from 'node:os';
import type { Capabilities } from '@companion/core/backend';
import type { Command } from '../command.js';
import { usageError } from '../command-line-error.js';
import { type BackendExamination, examineBackends } from '../examine-backends.js';
import { EXIT } from '../exit-codes.js';
import { type OptionTable, type OptionValues, optionHelp, parseOptions } from '../option-table.js';
import { parseSource } from '../option-values.js';
import { formatMs, printJson } from '../print.js';
import type { StandardStreams } from '../standard-streams.js';
import { version } from '../version.js';
import { KNOWN_TOOLS, PARITY_OPTIONS, parityRequest } from './doctor-parity-options.js';

const OPTIONS = {
  source: {
    value: 'DIRECTORY',
    help: 'the directory a companion would be made for; default: the current one',
  },
  load: {
    value: 'MODULE[#EXPORT]',
    multiple: true,
    help: 'ask a backend of your own or from elsewhere, too: a file or a package',
  },
  image: {
    value: 'REFERENCE',
    help: 'the image it would be made with; default: any. Nothing is pulled without --parity',
  },
  json: { help: 'the same as JSON' },
  parity: { help: 'start every backend and compare the versions of the tools in them' },
} as const satisfies OptionTable;

const HELP = `Tells what this machine can do: which backends work, why not the others, and how to mend it.

Usage: companion doctor [options]
       companion doctor --parity [options]

${optionHelp(OPTIONS)}

With --parity, which starts an environment of every backend (of containers only with --image) and ends it again:

${optionHelp(PARITY_OPTIONS)}

Without --probe it asks ${Object.keys(KNOWN_TOOLS).join(', ')}, and leaves out what is found nowhere.

Exit codes: 0 when at least one backend is available, else 1; with --parity 0 when all backends have the same tools,
1 when they differ, one failed, or there are not two to compare, 128+n after signal n; 2 for a mistake in these options.

Examples:
  companion doctor
  companion doctor --parity --image node:24
  companion doctor --parity --backend docker --backend nix --image rust:1.90 --probe rustc --probe cargo
  companion doctor --parity --probe 'clang --version ~ version (\\S+)'
`;

/** Variables that Companion reads; of others that look like its own only the names are told. */
const KNOWN_VARIABLES: readonly string[] = ['COMPANION_BACKEND', 'COMPANION_REQUIRE_BACKENDS'];
/** Stands for any image: backends that need one are asked as if there were one. */
const ANY_IMAGE = 'docker.io/library/busybox:latest';

/** `companion doctor [--parity] [--json]` */
export const doctorCommand: Command = {
  help: HELP,
  execute: async (args, streams) => {
    const unexpected = (argument: string): Error =>
      usageError(`unexpected "${argument}"`, 'See companion doctor --help.');
    const { values, rest } = parseOptions(args, { ...OPTIONS, ...PARITY_OPTIONS }, unexpected);
    if (rest?.[0] !== undefined) throw unexpected(rest[0]);
    if (values.parity) {
      const { reportParity } = await import('./doctor-parity.js');
      return await reportParity(parityRequest(values, process.env), streams);
    }
    const stray = strayOption(values);
    if (stray !== undefined) throw usageError(`--${stray} is of use with --parity only`);
    const backends = await examineBackends({
      sourceDir: parseSource(values.source),
      image: values.image ?? ANY_IMAGE,
      modules: values.load,
    });
    const examination: Examination = {
      version: version(),
      node: process.version,
      platform: { os: process.platform, arch: process.arch, release: release() },
      variables: companionVariables(process.env),
      backends,
    };
    if (values.json) printJson(streams.stdout, examination);
    else print(examination, streams);
    return backends.some(({ status }) => status === 'available') ? EXIT.success : EXIT.failure;
  },
};

/** One that was given and would be ignored. */
function strayOption(values: OptionValues<typeof PARITY_OPTIONS>): string | undefined {
  return Object.keys(PARITY_OPTIONS).find((name) => {
    const value = values[name as keyof typeof PARITY_OPTIONS];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  });
}

/** What `--json` prints. Members may be added, none is taken away. */
interface Examination {
  readonly version: string;
  readonly node: string;
  readonly platform: { readonly os: string; readonly arch: string; readonly release: string };
  /** By name; the value of those that Companion does not know is null. */
  readonly variables: Readonly<Record<string, string | null>>;
  /** By priority. */
  readonly backends: readonly BackendExamination[];
}

function companionVariables(env: NodeJS.ProcessEnv): Examination['variables'] {
  const names = Object.keys(env).filter((name) => name.startsWith('COMPANION_'));
  return Object.fromEntries(
    names.sort().map((name) => [name, KNOWN_VARIABLES.includes(name) ? (env[name] ?? null) : null]),
  );
}

function print(
  { version, node, platform, variables, backends }: Examination,
  { stdout }: StandardStreams,
): void {
  const lines = [
    `companion ${version} on Node ${node}, ${platform.os} ${platform.arch} (${platform.release})`,
    '',
  ];
  const width = Math.max(...backends.map(({ backend }) => backend.length)) + 2;
  for (const backend of backends) lines.push(...describe(backend, width));
  const known = Object.entries(variables).map(([name, value]) =>
    value === null ? `${name} is set, and not one that Companion reads` : `${name}=${value}`,
  );
  if (known.length > 0) lines.push('variables', ...known.map((line) => `  ${line}`), '');
  lines.push(summary(backends));
  stdout.write(`${lines.join('\n')}\n`);
}

const STATUS = {
  available: 'available',
  unavailable: 'not available',
  'not-installed': 'not installed',
  broken: 'broken',
} as const;

const WHOSE = {
  project: "this project's",
  command: 'came with this command',
  load: 'named by --load',
} as const;

function describe(backend: BackendExamination, width: number): readonly string[] {
  const { status, reason, hint, detail, durationMs, capabilities } = backend;
  const time = durationMs === null ? '' : ` (asked in ${formatMs(durationMs)})`;
  const lines = [`${backend.backend.padEnd(width)}${STATUS[status]}${time}`];
  if (detail !== null) lines.push(`  ${detail}`);
  if (reason !== null && status !== 'not-installed') lines.push(`  ${reason}`);
  if (hint !== null) lines.push(`  ${hint}`);
  if (backend.from !== null) {
    const what = [backend.package, backend.version].filter((part) => part !== null).join(' ');
    lines.push(`  ${what}, ${WHOSE[backend.from]}`);
  }
  if (status === 'available' && capabilities !== null) {
    lines.push(...describeCapabilities(capabilities).map((line) => `  ${line}`));
  }
  if (backend.environments !== null) lines.push(`  ${describeEnvironments(backend.environments)}`);
  return [...lines, ''];
}

function describeCapabilities(capabilities: Capabilities): readonly string[] {
  const entries = Object.entries(capabilities);
  const named = (wanted: boolean): string =>
    entries.flatMap(([key, value]) => (value === wanted ? [key] : [])).join(', ');
  const kinds = entries.flatMap(([key, value]) => (typeof value === 'string' ? [`${key} ${value}`] : []));
  return [kinds.join(', '), `can: ${named(true) || 'nothing more'}; cannot: ${named(false) || 'nothing'}`];
}

function describeEnvironments(environments: NonNullable<BackendExamination['environments']>): string {
  if ('error' in environments) return `what exists there is not known: ${environments.error}`;
  const { count, kept, leftBehind } = environments;
  if (count === 0) return 'no environment exists';
  const words = [
    `${count} ${count === 1 ? 'environment exists' : 'environments exist'} (companion ps)`,
    ...(kept > 0 ? [`${kept} kept`] : []),
    ...(leftBehind > 0 ? [`${leftBehind} left behind (companion prune)`] : []),
  ];
  return words.join(', ');
}

function summary(backends: readonly BackendExamination[]): string {
  const available = backends.filter(({ status }) => status === 'available').map(({ backend }) => backend);
  if (available.length === 0) return 'No backend is available: mend or install one of those above.';
  return `Available: ${available.join(', ')}.`;
}
