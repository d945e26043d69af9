/** How processes are started: `backendOptions.local`. */
export interface LocalOptions {
  /**
   * Processes are started by a supervisor where there is one for this machine. With `false` your program starts them
   * itself, as it does where there is none. Default: true.
   */
  readonly supervisor?: boolean | undefined;
}

declare module '@companion/core' {
  interface BackendOptions {
    readonly local?: LocalOptions | undefined;
  }
}

/** Throws a `TypeError` that names the option. */
export function checkedOptions(options: unknown): LocalOptions {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError('backendOptions.local: expected an object');
  }
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'supervisor') {
      throw new TypeError(`backendOptions.local: expected only supervisor, got ${name}`);
    }
    if (value !== undefined && typeof value !== 'boolean') {
      throw new TypeError('backendOptions.local.supervisor: expected true or false');
    }
  }
  return options;
}
