import type { Backend, ExistingEnvironment } from '@companion/core/backend';
import { installCommand, loadBackends, whyNotLoaded } from './load-backends.js';
import { type Failure, failureOf } from './print.js';

/** Far more than an engine takes to list what it has. */
const PATIENCE_MS = 10_000;

export interface FoundEnvironment {
  readonly backend: string;
  readonly environment: ExistingEnvironment;
}

/** A backend that could not say what exists. */
export interface UntoldBackend extends Failure {
  readonly backend: string;
}

export interface FoundEnvironments {
  /** By backend, the oldest first. */
  readonly found: readonly FoundEnvironment[];
  readonly untold: readonly UntoldBackend[];
}

/** Asks every backend that is installed and whose environments can outlive a process. */
export async function findEnvironments(modules: readonly string[]): Promise<FoundEnvironments> {
  const found: FoundEnvironment[] = [];
  const untold: UntoldBackend[] = [];
  const loaded = await loadBackends(modules);
  await Promise.all(
    loaded.map(async (one) => {
      if (one.state === 'broken') {
        const hint = `Install it again: ${installCommand(one.packageName)}`;
        const message = whyNotLoaded(one) ?? '';
        untold.push({ backend: one.name, code: 'COMPANION_BACKEND_NOT_LOADED', message, hint });
      } else if (one.state === 'loaded') {
        const { name, backend } = one;
        try {
          const environments = await existingEnvironments(backend);
          found.push(...environments.map((environment) => ({ backend: name, environment })));
        } catch (error) {
          untold.push({ backend: name, ...told(error) });
        }
      }
    }),
  );
  return {
    found: found.sort(
      (a, b) =>
        a.backend.localeCompare(b.backend) ||
        a.environment.createdAt.getTime() - b.environment.createdAt.getTime(),
    ),
    untold: untold.sort((a, b) => a.backend.localeCompare(b.backend)),
  };
}

/** None of a backend whose environments all end with their owner. Rejects also when it does not answer in time. */
export async function existingEnvironments(backend: Backend): Promise<readonly ExistingEnvironment[]> {
  if (backend.existing === undefined) return [];
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`it did not say what exists within ${PATIENCE_MS / 1000} s`));
      abort.abort();
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([backend.existing({ signal: abort.signal }), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a backend throws is its user's affair and not, as elsewhere, a defect of this command. */
export function told(error: unknown): Failure {
  const failure = failureOf(error);
  if (failure.code !== 'COMPANION_UNEXPECTED') return failure;
  const message = error instanceof Error ? error.message : String(error);
  return { code: failure.code, message, hint: undefined };
}
