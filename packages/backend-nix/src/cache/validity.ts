import { dirname } from 'node:path';
import type { ShellRequest } from '../shell-request.js';
import { record, renewedWatch, type Source, type Watch } from '../source/watch.js';

/** As long as Nix itself believes what a reference without a revision led to (its setting `tarball-ttl`). */
const REMOTE_FOR_MS = 3600 * 1000;

/** Until when a shell is what evaluating it again would give. */
export type Validity =
  | { readonly while: 'unchanged'; readonly watch: Watch }
  | { readonly while: 'before'; readonly at: number }
  | { readonly while: 'always' }
  | { readonly while: 'never' };

/** To be called before the evaluation: what changes during it is then a change. */
export async function validityOf(
  request: ShellRequest,
  env: Readonly<Record<string, string>>,
): Promise<Validity> {
  const source = sourceOf(request, env);
  if (source !== undefined) return { while: 'unchanged', watch: await record(source) };
  if (isPinned(request)) return { while: 'always' };
  return { while: 'before', at: Date.now() + REMOTE_FOR_MS };
}

/** The validity to keep from now on, the same object unless files were touched; undefined once it has ended. */
export async function renewedValidity(
  validity: Validity,
  request: ShellRequest,
  env: Readonly<Record<string, string>>,
): Promise<Validity | undefined> {
  if (validity.while === 'before') return Date.now() < validity.at ? validity : undefined;
  const source = sourceOf(request, env);
  if (validity.while !== 'unchanged' || source === undefined)
    return validity.while === 'always' ? validity : undefined;
  const watch = await renewedWatch(validity.watch, source);
  return watch === undefined || watch === validity.watch ? watch && validity : { while: 'unchanged', watch };
}

function sourceOf(request: ShellRequest, env: Readonly<Record<string, string>>): Source | undefined {
  const { entry, impure, everyFile, references } = request;
  if (entry.kind === 'remote') return undefined;
  const { kind, path } = entry;
  return { kind, directory: dirname(path), file: path, impure, env, everyFile, references };
}

/** A reference to a revision cannot lead to something else; what `--override-input` names may. */
function isPinned({ name, args, impure }: ShellRequest): boolean {
  return !impure && args.length === 1 && /(^|[/=])[0-9a-f]{40}($|[&?#])/.test(name);
}
