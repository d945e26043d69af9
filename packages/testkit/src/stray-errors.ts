/** Errors of this process that no promise of a case has taken: those of a stream or timer in the backend. */
export interface StrayErrors {
  readonly errors: readonly unknown[];
  stop(): void;
}

/** Collects uncaught exceptions and unhandled rejections until stopped, so that they fail the case they belong to. */
export function collectStrayErrors(): StrayErrors {
  const errors: unknown[] = [];
  const collect = (error: unknown): void => void errors.push(error);
  process.on('uncaughtException', collect);
  process.on('unhandledRejection', collect);
  return {
    errors,
    stop: () => {
      process.off('uncaughtException', collect);
      process.off('unhandledRejection', collect);
    },
  };
}
