/** Which dev shell, how it is evaluated, and what happens around it: `backendOptions.nix`. */
export interface NixOptions {
  /** Flake reference; a path is relative to `sourceDir`. Default: `sourceDir`. */
  readonly flake?: string | undefined;
  /**
   * Attribute of the shell, in the flake (`ci`, `devShells.x86_64-linux.ci`) or in `file`. Default: Nix's own choice.
   */
  readonly attribute?: string | undefined;
  /** `shell.nix`, `default.nix` or the like, relative to `sourceDir`, instead of a flake. */
  readonly file?: string | undefined;
  /** Lets the evaluation of a flake read variables and any file. Always so with `file`. Default: false. */
  readonly impure?: boolean | undefined;
  /** Further arguments of `nix print-dev-env`: `['--override-input', 'nixpkgs', '…']`. */
  readonly args?: readonly string[] | undefined;
  /** Host path. Default: `companion/nix` in `$XDG_CACHE_HOME` or `~/.cache`. */
  readonly cacheDirectory?: string | undefined;
  /** Bounds the evaluation with its builds and downloads, and then the `shellHook`. Default: 600,000. */
  readonly evaluationTimeoutMs?: number | undefined;
  /** Whether `init()` runs the shell's `shellHook`, as entering the shell does. Default: true. */
  readonly shellHook?: boolean | undefined;
  /**
   * After a change: `wait` for the new shell, or take the last one and evaluate for the next `init()`, for as long as
   * this companion is there. Default: `wait`.
   */
  readonly whenChanged?: 'wait' | 'background' | undefined;
  /** Take the last shell that was good, with a notice, or fail. Default: `error`. */
  readonly whenEvaluationFails?: 'error' | 'last-good' | undefined;
}

declare module '@companion/core' {
  interface BackendOptions {
    readonly nix?: NixOptions | undefined;
  }
}

interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isText = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && !value.includes('\0');
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isOneOf = (...values: readonly string[]): Check => ({
  expected: values.map((value) => `'${value}'`).join(' or '),
  holds: (value) => values.includes(value as string),
});

const CHECKS: Readonly<Record<keyof NixOptions, Check>> = {
  flake: {
    expected: 'a flake reference without #: the attribute is an option of its own',
    holds: (value) => isText(value) && !String(value).includes('#') && !String(value).startsWith('-'),
  },
  attribute: {
    expected: 'the name of an attribute',
    holds: (value) => isText(value) && !String(value).startsWith('-'),
  },
  file: { expected: 'the path of a .nix file', holds: isText },
  impure: { expected: 'true or false', holds: isFlag },
  args: {
    expected: 'a list of arguments',
    holds: (value) => Array.isArray(value) && value.every((one) => one === '' || isText(one)),
  },
  cacheDirectory: {
    expected: 'an absolute path of this machine',
    holds: (value) => isText(value) && String(value).startsWith('/'),
  },
  evaluationTimeoutMs: {
    expected: 'a whole number of milliseconds above 0',
    holds: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  },
  shellHook: { expected: 'true or false', holds: isFlag },
  whenChanged: isOneOf('wait', 'background'),
  whenEvaluationFails: isOneOf('error', 'last-good'),
};

/** Throws a `TypeError` that names the option. */
export function checkedOptions(options: unknown): NixOptions {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError('backendOptions.nix: expected an object');
  const names = Object.keys(CHECKS).join(', ');
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof NixOptions] : undefined;
    if (check === undefined) throw new TypeError(`backendOptions.nix: expected only ${names}, got ${name}`);
    if (value !== undefined && !check.holds(value))
      throw new TypeError(`backendOptions.nix.${name}: expected ${check.expected}`);
  }
  const checked: NixOptions = options;
  if (checked.flake !== undefined && checked.file !== undefined)
    throw new TypeError('backendOptions.nix: expected flake or file, got both');
  return checked;
}
