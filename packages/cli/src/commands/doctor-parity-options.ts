import type { CompanionOptions, VersionProbe } from '@companion/core';
import { usageError } from '../command-line-error.js';
import type { OptionTable, OptionValues } from '../option-table.js';
import { placeOptions, RUN_OPTIONS } from '../run-options.js';

/** What `companion doctor` takes with `--parity` only. */
export const PARITY_OPTIONS = {
  probe: {
    value: "'TOOL [ARGUMENT …] [~ PATTERN]'",
    multiple: true,
    help: "what to ask: 'node' is short for 'node --version'; a regular expression behind ~\nsays what of the answer to compare; default: the tools listed below",
  },
  backend: {
    value: 'NAME',
    multiple: true,
    help: 'compare these and no others, and fail where one of them is not available',
  },
  // Everything that decides which tools there are, as `companion run` takes it.
  pull: RUN_OPTIONS.pull,
  platform: RUN_OPTIONS.platform,
  'no-fallback': { help: 'with --image: leave out what would run on this machine, without the image' },
  workspace: RUN_OPTIONS.workspace,
  mount: RUN_OPTIONS.mount,
  env: RUN_OPTIONS.env,
  'host-env': RUN_OPTIONS['host-env'],
  user: RUN_OPTIONS.user,
  network: RUN_OPTIONS.network,
} as const satisfies OptionTable;

/** Asked where nobody says what to ask; those that are found nowhere are left out. */
export const KNOWN_TOOLS: Readonly<Record<string, VersionProbe>> = {
  node: { command: ['node', '--version'] },
  npm: { command: ['npm', '--version'] },
  python3: { command: ['python3', '--version'] },
  // The patterns leave out who built it, when, and for which machine.
  git: { command: ['git', '--version'], pattern: /git version (\S+)/ },
  go: { command: ['go', 'version'], pattern: /go version (\S+)/ },
  java: { command: ['java', '-version'], pattern: /version "([^"]+)"/ },
  rustc: { command: ['rustc', '--version'], pattern: /rustc (\S+)/ },
  gcc: { command: ['gcc', '--version'], pattern: /\d+\.\d+\.\d+/ },
};

export interface ParityRequest {
  readonly options: CompanionOptions;
  readonly probes: Readonly<Record<string, VersionProbe>>;
  /** Modules with backends. */
  readonly load: readonly string[];
  /** Those that must be compared, and no others; all where there are none. */
  readonly backends: readonly string[];
  readonly json: boolean;
}

type Values = OptionValues<typeof PARITY_OPTIONS> & {
  readonly source: string | undefined;
  readonly load: readonly string[];
  readonly image: string | undefined;
  readonly json: boolean;
};

/** @throws CommandLineError */
export function parityRequest(values: Values, env: NodeJS.ProcessEnv): ParityRequest {
  const optional = Object.entries(KNOWN_TOOLS).map(([name, probe]) => [name, { ...probe, optional: true }]);
  return {
    options: placeOptions(values, env),
    probes: Object.fromEntries(values.probe.length === 0 ? optional : values.probe.map(parseProbe)),
    load: values.load,
    backends: values.backend,
    json: values.json,
  };
}

/** `node`, `go version`, or `clang --version ~ version (\S+)`. */
function parseProbe(given: string): readonly [string, VersionProbe] {
  const [text = '', ...patterns] = given.split(/\s+~\s+/);
  const command = text.split(/\s+/).filter((word) => word !== '');
  const [tool] = command;
  if (tool === undefined) {
    throw usageError(`--probe: expected a tool, got "${given}"`, "For example: --probe 'protoc --version'");
  }
  if (/["']/.test(text)) {
    throw usageError(
      `--probe: a quote in "${given}"`,
      'It is split at spaces, and no shell reads it: put what needs one into a script.',
    );
  }
  const known = command.length === 1 ? KNOWN_TOOLS[tool] : undefined;
  const pattern = patterns.length === 0 ? known?.pattern : parsePattern(patterns.join(' ~ '));
  const words = known?.command ?? (command.length === 1 ? [tool, '--version'] : command);
  return [command.join(' '), { command: words, pattern }];
}

function parsePattern(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError(`--probe: "${source}" is no regular expression`, `${why}.`);
  }
}
