import type { Backend } from '@companion/core/backend';

/** A backend that breaks one rule. */
export interface Mutant {
  /** `<area>/<what it does>` */
  readonly id: string;
  /** The rule, and how it is broken. */
  readonly breaks: string;
  backend(real: Backend): Backend;
  /** Ids of the cases that must fail; each of them must pass with the backend that is not broken. */
  readonly failedBy: readonly string[];
  /** Nothing works with it any more; every other mutant passes cases about other rules. */
  readonly breaksEverything?: true;
  /** It gives files away, which only root can do. */
  readonly needsRoot?: true;
  /** How another program imports it, as a URL; for cases about the owner's death. */
  readonly module?: string;
}
