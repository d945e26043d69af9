import type { DevEnv, DevVariable } from './dev-env.js';
import { TEMPORARY_DIRECTORIES } from './leftovers.js';
import type { Rewrite } from './rewrites.js';

/** What the host has of these comes after what the shell has; all else the shell replaces. */
const APPENDED = ['PATH', 'XDG_DATA_DIRS'] as const;

/**
 * What brings bash into the shell, up to and with its `shellHook`: variables, functions and their order are those of
 * `nix develop` (makeRcScript in Nix's src/nix/develop.cc).
 */
export function entryScript(shell: DevEnv, rewrite: Rewrite, temporary: string): string {
  const { variables, bashFunctions } = shell;
  const appended = APPENDED.filter((name) => Object.hasOwn(variables, name));
  const script = [
    // One stream, so that lines come in the order in which they were written.
    'exec 2>&1',
    // Another shell's is not to be run.
    'unset shellHook',
    ...appended.flatMap((name) => [`${name}=\${${name}:-}`, `nix_saved_${name}="$${name}"`]),
    ...Object.entries(variables).map(([name, variable]) => assignment(name, variable, rewrite)),
    ...Object.entries(bashFunctions).map(([name, body]) => `${name} ()\n{\n${rewrite(body)}}`),
    ...appended.map((name) => `${name}="$${name}\${nix_saved_${name}:+:$nix_saved_${name}}"`),
    ...TEMPORARY_DIRECTORIES.map((name) => `export ${name}=${quoted(temporary)}`),
    `eval "\${shellHook:-}"`,
  ];
  return `${script.join('\n')}\n`;
}

/**
 * What comes after the `shellHook`: puts the exported environment into `file`, which exists and may be this script.
 * Bash becomes another program for it, as it would become the command: that alone shows what a command is given.
 */
export function reportScript(
  bash: string,
  file: string,
  platform: NodeJS.Platform = process.platform,
): string {
  // Elsewhere the system does not show a process its environment, and any `env` knows -0.
  if (platform !== 'linux') return `builtin exec /usr/bin/env -0 >|${quoted(file)}\n`;
  // Not `env`, which need not run with the libraries of the shell. Privileged: without BASH_ENV and SHELLOPTS.
  const report = `mapfile -d '' -t env </proc/$$/environ && printf '%s\\0' "\${env[@]}" >|"$1"`;
  return `builtin exec ${quoted(bash)} -p -c ${quoted(report)} bash ${quoted(file)}\n`;
}

function assignment(name: string, variable: DevVariable, rewrite: Rewrite): string {
  const value = (text: string) => quoted(rewrite(text));
  if (variable.type === 'array') return `declare -a ${name}=(${variable.value.map(value).join(' ')})`;
  if (variable.type === 'associative') {
    const pairs = Object.entries(variable.value).map(([key, text]) => `[${value(key)}]=${value(text)}`);
    return `declare -A ${name}=(${pairs.join(' ')})`;
  }
  const set = `${name}=${value(variable.value)}`;
  return variable.type === 'exported' ? `${set}\nexport ${name}` : set;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
