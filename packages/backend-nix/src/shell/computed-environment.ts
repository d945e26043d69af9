import type { DevEnv } from './dev-env.js';
import { buildVariables, removeLeftovers } from './leftovers.js';
import type { Rewrite } from './rewrites.js';

/**
 * What processes begin with in a shell whose `shellHook` is not run: what bash would make of it, without bash; so a
 * BASH_ENV of the host is not run either.
 */
export function computedEnvironment(
  shell: DevEnv,
  base: Readonly<Record<string, string>>,
  rewrite: Rewrite,
): Record<string, string> {
  const env = new Map(Object.entries(base));
  // Nobody is to run another shell's.
  env.delete('shellHook');
  for (const [name, variable] of Object.entries(shell.variables)) {
    if (variable.type === 'array' || variable.type === 'associative') {
      // A list hides the host's variable, and lists are not exported.
      env.delete(name);
      continue;
    }
    // What the environment has is exported, whoever assigns to it.
    if (variable.type === 'exported' || env.has(name)) env.set(name, rewrite(variable.value));
  }
  for (const name of ['PATH', 'XDG_DATA_DIRS']) {
    const ofShell = env.get(name);
    const ofBase = base[name];
    if (
      Object.hasOwn(shell.variables, name) &&
      ofShell !== undefined &&
      ofBase !== undefined &&
      ofBase !== ''
    )
      env.set(name, `${ofShell}:${ofBase}`);
  }
  const ofTheBuild = buildVariables(shell, rewrite, undefined);
  // No hook can have given it a value of its own.
  for (const name of ofTheBuild.keys()) env.delete(name);
  removeLeftovers(env, base, ofTheBuild);
  return Object.fromEntries(env);
}
