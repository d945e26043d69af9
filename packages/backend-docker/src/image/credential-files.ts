import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What `docker login` and `podman login` write; every member is whatever stands in the file. */
export interface CredentialFile {
  /** Where it was read, for messages. */
  readonly path: string;
  readonly auths: Readonly<Record<string, StoredLogin>>;
  readonly credHelpers: Readonly<Record<string, string>>;
  readonly credsStore: string | undefined;
}

export interface StoredLogin {
  /** `user:password` in base64. */
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
  readonly registrytoken?: unknown;
}

/**
 * The files with logins that exist, in the order in which the engine's own command reads them; with what is wrong with
 * those that cannot be read. A wrong file is no failure: most images need no login.
 */
export async function readCredentialFiles(
  kind: 'docker' | 'podman',
  env: NodeJS.ProcessEnv,
): Promise<{ readonly files: readonly CredentialFile[]; readonly problems: readonly string[] }> {
  const files: CredentialFile[] = [];
  const problems: string[] = [];
  const take = (path: string, text: string): void => {
    const file = parseFile(path, text);
    if (file === undefined) problems.push(`${path} is not valid JSON`);
    else files.push(file);
  };
  if (env.DOCKER_AUTH_CONFIG) take('DOCKER_AUTH_CONFIG', env.DOCKER_AUTH_CONFIG);
  for (const path of filePaths(kind, env)) {
    try {
      take(path, await readFile(path, 'utf8'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') problems.push(`${path} cannot be read (${code})`);
    }
  }
  return { files, problems };
}

function filePaths(kind: 'docker' | 'podman', env: NodeJS.ProcessEnv): readonly string[] {
  const home = env.HOME || homedir();
  const docker = join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json');
  if (kind === 'docker') return [docker];
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const podman = join('containers', 'auth.json');
  return [
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, podman)] : []),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), podman),
    docker,
  ];
}

/** `undefined` for what is not an object in JSON. A parser's message would quote the file, so it is left out. */
function parseFile(path: string, text: string): CredentialFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  return {
    path,
    auths: recordOf(value.auths, isRecord),
    credHelpers: recordOf(value.credHelpers, isText),
    credsStore: isText(value.credsStore) ? value.credsStore : undefined,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function recordOf<T>(value: unknown, isEntry: (entry: unknown) => entry is T): Record<string, T> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, T] => isEntry(entry[1])));
}
