import { dirname } from 'node:path';
import { lifetimeOf } from '../nix/reference-lifetime.js';
import type { ShellRequest } from '../shell-request.js';
import { localSource } from '../source/local-inputs.js';
import { digest, markOf } from '../source/mark.js';
import { settingsFiles, variableNames, watchedVariables } from '../source/surroundings.js';
import { record, renewedWatch, type Source, type Watch } from '../source/watch.js';

/** As long as Nix itself believes what a reference without a revision led to (its setting `tarball-ttl`). */
const REMOTE_FOR_MS = 3600 * 1000;

type Variables = Readonly<Record<string, string>>;

/** Until when a shell is what evaluating it again would give. */
export type Validity =
  | {
      readonly while: 'unchanged';
      /** What it was evaluated from; a digest of Nix's surroundings where nothing of that is on this machine. */
      readonly watch: Watch | string;
      /** And not after that time, as something was fetched whose revision nobody has fixed. */
      readonly before?: number | undefined;
    }
  | { readonly while: 'never' };

/** To be called before the evaluation: what changes during it is then a change. */
export async function validityOf(request: ShellRequest, env: Variables): Promise<Validity> {
  const lifetimes = referencesOf(request).map((reference) => lifetimeOf(reference, env));
  // A shell that was good once can still be asked for.
  if (!request.isWatchable || lifetimes.includes('moment')) return { while: 'never' };
  const before = lifetimes.includes('hour') ? Date.now() + REMOTE_FOR_MS : undefined;
  const source = sourceOf(request, env);
  const watch = source === undefined ? surroundings(request, env) : await record(source);
  return { while: 'unchanged', watch, before };
}

/** The validity to keep from now on, the same object unless files were touched; undefined once it has ended. */
export async function renewedValidity(
  validity: Validity,
  request: ShellRequest,
  env: Variables,
): Promise<Validity | undefined> {
  if (validity.while !== 'unchanged' || hasEnded(validity.before)) return undefined;
  const source = sourceOf(request, env);
  if (source === undefined || typeof validity.watch === 'string')
    return source === undefined && validity.watch === surroundings(request, env) ? validity : undefined;
  const watch = await renewedWatch(validity.watch, source);
  return watch === undefined || watch === validity.watch ? watch && validity : { ...validity, watch };
}

function hasEnded(before: number | undefined): boolean {
  if (before === undefined) return false;
  const left = before - Date.now();
  // More than there was: somebody has set the clock back.
  return left <= 0 || left > REMOTE_FOR_MS;
}

function sourceOf({ entry, impure, references }: ShellRequest, env: Variables): Source | undefined {
  if (entry.kind === 'remote') return undefined;
  const { path: file, ...where } = entry;
  return { ...where, directory: dirname(file), file, impure, env, references };
}

/** Flakes that take part, and that the watch does not see. */
function referencesOf({ entry, references, cwd }: ShellRequest): readonly string[] {
  if (entry.kind === 'remote') return [entry.reference, ...references];
  const isWatched = (reference: string): boolean =>
    !/[?&]ref=/.test(reference) && localSource(reference, cwd) !== undefined;
  return references.filter((reference) => !isWatched(reference));
}

/** What decides besides the flake itself: settings, registries, variables. */
function surroundings({ impure }: ShellRequest, env: Variables): string {
  const variables = watchedVariables(variableNames(impure, undefined), env).digest;
  const files = settingsFiles(env).map((path) => [path, markOf(path).mark[0]]);
  return digest(JSON.stringify([variables, files]));
}
