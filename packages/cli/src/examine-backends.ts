import type { Backend, Capabilities } from '@companion/core/backend';
import { standingOf } from './describe-environment.js';
import { existingEnvironments, told } from './existing-environments.js';
import { installCommand, type LoadedBackend, loadBackends, whyNotLoaded } from './load-backends.js';

/** What `companion doctor` says about one backend. */
export interface BackendExamination {
  readonly backend: string;
  /** Of one that `--load` named: the module, as it was given. */
  readonly package: string;
  readonly status: 'available' | 'unavailable' | 'not-installed' | 'broken';
  /** One clause: why it is not available. */
  readonly reason: string | null;
  /** What the user can do about it. */
  readonly hint: string | null;
  /** What it found: an endpoint, a version. */
  readonly detail: string | null;
  /** Of the package. */
  readonly version: string | null;
  /** Whether the project in the current directory has it, this command brought it along, or `--load` named it. */
  readonly from: 'project' | 'command' | 'load' | null;
  readonly path: string | null;
  readonly priority: number | null;
  /** On this machine where it is available, else at best. */
  readonly capabilities: Capabilities | null;
  /** Of the detection. */
  readonly durationMs: number | null;
  /** Of one that is available and whose environments can outlive a process. */
  readonly environments: EnvironmentCounts | { readonly error: string } | null;
}

/** What `companion ps` would list. */
interface EnvironmentCounts {
  readonly count: number;
  readonly kept: number;
  readonly leftBehind: number;
}

export interface ExaminationOptions {
  readonly sourceDir: string;
  /** For backends that are of use with an image only. Nothing is pulled. */
  readonly image: string;
  /** What `--load` names. */
  readonly modules: readonly string[];
}

/** Asks every known backend; those that are not installed, too. What `--load` names comes first. */
export async function examineBackends({
  modules,
  ...options
}: ExaminationOptions): Promise<readonly BackendExamination[]> {
  const loaded = await loadBackends(modules);
  return await Promise.all(loaded.map((backend) => examine(backend, options)));
}

const NOTHING = {
  reason: null,
  hint: null,
  detail: null,
  version: null,
  from: null,
  path: null,
  priority: null,
  capabilities: null,
  durationMs: null,
  environments: null,
} as const;

async function examine(
  loaded: LoadedBackend,
  options: Omit<ExaminationOptions, 'modules'>,
): Promise<BackendExamination> {
  const base = { backend: loaded.name, package: loaded.packageName };
  if (loaded.state !== 'loaded') {
    const hint =
      loaded.state === 'broken' ? `Install it again: ${installCommand(loaded.packageName)}` : loaded.install;
    return { ...base, status: loaded.state, ...NOTHING, reason: whyNotLoaded(loaded) ?? null, hint };
  }
  const { backend, found, by } = loaded;
  const { explainSelection } = await import('@companion/core');
  // One by one, and by name: COMPANION_BACKEND must not hide the others.
  const [report] = await explainSelection({ ...options, preferredBackend: backend.name });
  const available = report?.verdict === 'chosen';
  return {
    ...base,
    status: available ? 'available' : 'unavailable',
    reason: report?.reason ?? null,
    hint: report?.hint ?? null,
    detail: report?.detail ?? null,
    durationMs: report?.durationMs ?? null,
    version: found.version ?? null,
    from: by === '--load' ? 'load' : found.from,
    path: found.path,
    priority: backend.priority,
    capabilities: report?.capabilities ?? backend.capabilities,
    environments: available ? await countEnvironments(backend) : null,
  };
}

async function countEnvironments(backend: Backend): Promise<BackendExamination['environments']> {
  if (backend.existing === undefined) return null;
  try {
    const standings = (await existingEnvironments(backend)).map(standingOf);
    const count = (wanted: string): number => standings.filter((one) => one === wanted).length;
    return { count: standings.length, kept: count('kept'), leftBehind: count('left behind') };
  } catch (error) {
    return { error: told(error).message };
  }
}
