import { UsageError } from './usage-error.js';

/** What a backend's package calls itself, in its manifest, in the registry and in code. */
export interface Names {
  /** `companion-backend-plain` */
  readonly packageName: string;
  /** `plain`: what `preferredBackend` and `--backend` say. */
  readonly backendName: string;
  /** `plainBackend` */
  readonly constantName: string;
  /** `PlainEnvironment` */
  readonly className: string;
}

/** Registering one of these again would replace it. */
const TAKEN: readonly string[] = ['docker', 'nix', 'local'];
/** What npm takes. */
const LONGEST = 214;

/** @throws UsageError for what cannot be the name of a package and of a backend. */
export function namesFor(packageName: string): Names {
  const hint = 'Name the folder like the package: npm create @companion/backend companion-backend-plain';
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(packageName) || packageName.length > LONGEST) {
    const message = `a backend's package is named with lower-case letters and digits, in words with dashes between them, got "${packageName}"`;
    throw new UsageError(message, hint);
  }
  const stem = packageName.replace(/^companion-/, '').replace(/^backend-|-backend$/, '');
  // A name begins with a letter; what is called backend and nothing else keeps that.
  const backendName = /^[a-z]/.test(stem) ? stem : packageName;
  if (TAKEN.includes(backendName)) {
    throw new UsageError(`${backendName} is the name of one of Companion's own backends`, hint);
  }
  const camelCase = backendName.replace(/-([a-z0-9])/g, (_, first: string) => first.toUpperCase());
  return {
    packageName,
    backendName,
    constantName: `${camelCase}Backend`,
    className: `${camelCase.charAt(0).toUpperCase()}${camelCase.slice(1)}Environment`,
  };
}
