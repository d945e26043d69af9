import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { settingsFiles } from '../source/surroundings.js';

/**
 * For how long a flake reference means the same files: `moment` where they are of this machine, and may change at any
 * time.
 */
export type Lifetime = 'always' | 'hour' | 'moment';

const ELSEWHERE = /^(?:github|gitlab|sourcehut|git|(?:(?:git|hg|tarball|file)\+)?(?:https?|ssh)):/;
const FORGE = /^(?:github|gitlab|sourcehut)$/;
const INDIRECT = /^(?:flake:)?([a-zA-Z][\w-]*)(?:\/|\?|$)/;

/** `env`: what Nix runs with, which says where its registries are. */
export function lifetimeOf(reference: string, env: Readonly<Record<string, string>>): Lifetime {
  if (/[?&]rev=[0-9a-f]{40}(?:$|&)/.test(reference)) return 'always';
  const name = INDIRECT.exec(reference)?.[1];
  const isElsewhere = name === undefined ? ELSEWHERE.test(reference) : leadsElsewhere(name, env);
  if (!isElsewhere) return 'moment';
  // In the place of a branch; elsewhere it may be anything's name.
  const isForge = name !== undefined || FORGE.test(reference.slice(0, reference.indexOf(':')));
  return isForge && /\/[0-9a-f]{40}(?:$|\?)/.test(reference) ? 'always' : 'hour';
}

/** Of a name in registries: what this machine's own do not know is in the one of the network. */
function leadsElsewhere(name: string, env: Readonly<Record<string, string>>): boolean {
  const files = settingsFiles(env);
  const own = files.filter((path) => basename(path) === 'registry.json').map(textOf);
  const targets = own.flatMap((text) => targetsOf(text, name));
  if (targets.length > 0) return targets.every((type) => FORGE.test(type));
  const settings = [env.NIX_CONFIG ?? '', ...files.map(textOf)].join('\n');
  return !/^\s*flake-registry\s*=\s*(?!https?:)\S/m.test(settings);
}

/** The kinds of what a registry has for a name. */
function targetsOf(registry: string, name: string): readonly string[] {
  try {
    const { flakes = [] } = JSON.parse(registry) as {
      flakes?: { from?: { id?: string }; to?: { type?: string } }[];
    };
    return flakes.filter(({ from }) => from?.id === name).map(({ to }) => to?.type ?? '');
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
