import type { EnvironmentVariables } from '../options.js';

// Names of Windows variables are equal in any case: PATH is often spelled Path.
const IGNORES_CASE = process.platform === 'win32';

/** What a login session needs to run programs; nothing of what a shell session has collected. */
const MINIMAL: readonly string[] =
  process.platform === 'win32'
    ? [
        'PATH',
        'PATHEXT',
        'SYSTEMROOT',
        'SYSTEMDRIVE',
        'COMSPEC',
        'WINDIR',
        'TEMP',
        'TMP',
        'USERPROFILE',
        'USERNAME',
        'HOMEDRIVE',
        'HOMEPATH',
        'APPDATA',
        'LOCALAPPDATA',
        'PROGRAMDATA',
        'PROGRAMFILES',
      ]
    : ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];

/** The part of this process's environment that a shared backend may take. */
export function hostVariables(policy: 'inherit' | 'minimal' | readonly string[]): Record<string, string> {
  const all = definedVariables(process.env);
  if (policy === 'inherit') return all;
  const wanted = new Set([...MINIMAL, ...(policy === 'minimal' ? [] : policy)].map(canonical));
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(canonical(name))));
}

export function definedVariables(variables: EnvironmentVariables): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined) defined[name] = value;
  }
  return defined;
}

/** `base` with the changes applied in order; `undefined` removes. */
export function mergeVariables(
  base: Readonly<Record<string, string>>,
  ...changes: readonly EnvironmentVariables[]
): Record<string, string> {
  const merged: Record<string, string> = { ...base };
  for (const change of changes) {
    for (const [name, value] of Object.entries(change)) {
      if (IGNORES_CASE) removeVariable(merged, name);
      if (value === undefined) removeVariable(merged, name);
      else merged[name] = value;
    }
  }
  return merged;
}

/** The name under which a variable stands in `variables`. */
export function findVariable(variables: Readonly<Record<string, string>>, name: string): string | undefined {
  if (!IGNORES_CASE) return Object.hasOwn(variables, name) ? name : undefined;
  return Object.keys(variables).find((key) => canonical(key) === canonical(name));
}

function removeVariable(variables: Record<string, string>, name: string): void {
  const found = findVariable(variables, name);
  if (found !== undefined) delete variables[found];
}

function canonical(name: string): string {
  return IGNORES_CASE ? name.toUpperCase() : name;
}
