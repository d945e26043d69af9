/** What arguments of the user's own mean for keeping what comes of them. */
export interface FurtherArguments {
  /** Flakes that they put in the place of inputs. */
  readonly references: readonly string[];
  readonly impure: boolean;
  /** Whether nothing else in them can lead to what nobody watches. */
  readonly isWatchable: boolean;
}

/** Arguments that read nothing by themselves, with how many values each has. */
const HARMLESS: Readonly<Record<string, number>> = {
  ...values(0, 'accept-flake-config commit-lock-file debug fallback impure keep-failed keep-going'),
  ...values(0, 'no-registries no-update-lock-file no-use-registries no-write-lock-file offline'),
  ...values(0, 'print-build-logs quiet show-trace verbose'),
  ...values(1, 'builders cores experimental-features extra-experimental-features max-jobs'),
  ...values(1, 'max-silent-time system timeout'),
  ...values(2, 'argstr option override-input'),
  ...{ '-L': 0, '-k': 0, '-K': 0, '-v': 0, '-j': 1 },
};

/** Nix has hundreds, and more with each release: what is not known here may read anything. */
export function furtherArguments(args: readonly string[]): FurtherArguments {
  const references: string[] = [];
  let impure = false;
  let isWatchable = true;
  for (let at = 0; at < args.length; at++) {
    const name = args[at] ?? '';
    const count = Object.hasOwn(HARMLESS, name) ? (HARMLESS[name] ?? 0) : undefined;
    if (count === undefined) {
      isWatchable = false;
      continue;
    }
    const [first, second] = args.slice(at + 1, at + 1 + count);
    if (name === '--override-input' && second !== undefined) references.push(second);
    impure ||= name === '--impure' || (name === '--option' && first === 'pure-eval');
    // Where expressions are searched for, and what names of flakes stand for.
    isWatchable &&= !(name === '--option' && /^(?:extra-)?(?:nix-path|flake-registry)$/.test(first ?? ''));
    at += count;
  }
  return { references, impure, isWatchable };
}

function values(count: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name) => [`--${name}`, count]));
}
