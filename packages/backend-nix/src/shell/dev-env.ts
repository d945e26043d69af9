import { CompanionError } from '@companion/core';

/** A variable of bash. Only what is `exported` reaches processes; the others are there for the `shellHook`. */
export type DevVariable =
  | { readonly type: 'exported' | 'var'; readonly value: string }
  | { readonly type: 'array'; readonly value: readonly string[] }
  | { readonly type: 'associative'; readonly value: Readonly<Record<string, string>> };

/** What `nix print-dev-env --json` prints, as far as it can be brought into a shell. Can be kept as JSON. */
export interface DevEnv {
  readonly variables: Readonly<Record<string, DevVariable>>;
  /** Bodies by name. */
  readonly bashFunctions: Readonly<Record<string, string>>;
  /** Contents by file name; given by newer versions of Nix where the derivation has structured attributes. */
  readonly structuredAttrs?: { readonly '.attrs.json': string; readonly '.attrs.sh': string };
}

/** What Nix leaves out when it enters a shell (`ignoreVars` in its src/nix/develop.cc, over all versions). */
const IGNORED: ReadonlySet<string> = new Set([
  'BASHOPTS',
  'EUID',
  'HOME',
  'NIX_BUILD_TOP',
  'NIX_ENFORCE_PURITY',
  'NIX_LOG_FD',
  'NIX_REMOTE',
  'PPID',
  'PWD',
  'SHELLOPTS',
  'SHLVL',
  'SSL_CERT_FILE',
  'TEMP',
  'TEMPDIR',
  'TERM',
  'TMP',
  'TMPDIR',
  'TZ',
  'UID',
]);
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws `COMPANION_START_FAILED` for anything that is not an environment. */
export function parseDevEnv(json: string): DevEnv {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw notAnEnvironment('not JSON', cause);
  }
  if (!isObject(parsed) || !isObject(parsed.variables)) throw notAnEnvironment('JSON without `variables`');
  const { variables, bashFunctions, structuredAttrs } = parsed;
  return {
    // Not by assignment: any name is a name, `__proto__` too.
    variables: Object.fromEntries(
      Object.entries(variables)
        .filter(
          (entry): entry is [string, DevVariable] =>
            IDENTIFIER.test(entry[0]) && !IGNORED.has(entry[0]) && isVariable(entry[1]),
        )
        .map(([name, variable]) => [name, name === 'SHELL' ? exportedShell(variable) : variable]),
    ),
    bashFunctions: isTexts(bashFunctions) ? bashFunctions : {},
    ...(isStructuredAttrs(structuredAttrs) ? { structuredAttrs } : {}),
  };
}

/** Store paths by the names of the outputs (`out`, `dev`), which are names of variables, too. */
export function outputsOf({ variables }: DevEnv): ReadonlyMap<string, string> {
  const outputs = variables.outputs;
  // Structured attributes name them with their paths.
  if (outputs?.type === 'associative') return new Map(Object.entries(outputs.value));
  const names = outputs?.type === 'array' ? outputs.value : (outputs?.value.split(/\s+/) ?? []);
  const paths = new Map<string, string>();
  for (const name of names) {
    const path = textOf(variables, name);
    if (path !== undefined) paths.set(name, path);
  }
  return paths;
}

/** The value as `$name` gives it; undefined for lists and where there is none. */
export function textOf(variables: DevEnv['variables'], name: string): string | undefined {
  const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return variable?.type === 'exported' || variable?.type === 'var' ? variable.value : undefined;
}

/** Bash sets it for itself. Newer versions of Nix export it, so that the user's own shell is not used in there. */
function exportedShell(variable: DevVariable): DevVariable {
  return variable.type === 'var' ? { type: 'exported', value: variable.value } : variable;
}

type Unknown = Readonly<Record<string, unknown>>;

function isVariable(variable: unknown): variable is DevVariable {
  if (!isObject(variable)) return false;
  const { type, value } = variable;
  if (type === 'exported' || type === 'var') return typeof value === 'string';
  if (type === 'array') return Array.isArray(value) && value.every((one) => typeof one === 'string');
  return type === 'associative' && isTexts(value);
}

function isStructuredAttrs(files: unknown): files is NonNullable<DevEnv['structuredAttrs']> {
  return isTexts(files) && files['.attrs.json'] !== undefined && files['.attrs.sh'] !== undefined;
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((one) => typeof one === 'string');
}

function isObject(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notAnEnvironment(what: string, cause?: unknown): CompanionError {
  return new CompanionError('COMPANION_START_FAILED', `nix print-dev-env gave no environment, but ${what}`, {
    hint: 'Run `nix print-dev-env --json` by hand and look at what it prints.',
    cause,
  });
}
