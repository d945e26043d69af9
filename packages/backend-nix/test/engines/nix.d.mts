/** A Nix of its own for tests and benchmarks: nothing of the machine's Nix, nor of the user's, is read or written. */
export interface StartedNix {
  /**
   * Its store, state, settings, `HOME`, caches and `TMPDIR`, all in `directory`, and the `PATH` of this process: complete
   * as it is, and right over another environment, too.
   */
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Of `nix`. */
  readonly program: string;
  /** Removes the directory, store and all. */
  stop(): Promise<void>;
}

export interface NixSettings {
  /** Lines of `nix.conf`, which win over those that are there anyway. */
  readonly settings?: string;
}

/** Rejects with what {@link missingNix} says. */
export function startNix(settings?: NixSettings): Promise<StartedNix>;

/** Why there is no Nix here and what brings it; undefined where there is one. */
export function missingNix(): string | undefined;
