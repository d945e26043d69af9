import { type CredentialFile, readCredentialFiles, type StoredLogin } from './credential-files.js';
import { askCredentialHelper } from './credential-helper.js';

/** What the Engine API takes as a login, in its own spelling. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress: string;
}

/** A login for one registry, and where it was looked for. Only `auth` is secret. */
export interface RegistryLogin {
  readonly auth: RegistryAuth | undefined;
  /** Where `auth` came from: a file, or a file and its helper. */
  readonly origin: string | undefined;
  /** What went wrong on the way, one clause each: for the hint of a refusal. */
  readonly problems: readonly string[];
}

/** The key under which `docker login` keeps Docker Hub, for the sake of a registry that is gone. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_NAMES: readonly string[] = [HUB_KEY, 'docker.io', 'index.docker.io'];

/**
 * Finds the login that docker's or Podman's own command would send for an image. Never rejects for a broken file or
 * helper: as for these commands, the pull is then tried without. Rejects with the signal's reason.
 */
export async function findLogin(
  image: { readonly registry: string; readonly path: string },
  options: {
    readonly kind: 'docker' | 'podman';
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal | undefined;
    readonly helperTimeoutMs?: number;
  },
): Promise<RegistryLogin> {
  const { files, problems: fileProblems } = await readCredentialFiles(options.kind, options.env);
  const problems = [...fileProblems];
  const serveraddress = image.registry === 'docker.io' ? HUB_KEY : image.registry;
  for (const file of files) {
    const helper = helperFor(file, image.registry);
    if (helper !== undefined) {
      const answer = await askCredentialHelper(helper, serveraddress, {
        env: options.env,
        signal: options.signal,
        ...(options.helperTimeoutMs !== undefined && { timeoutMs: options.helperTimeoutMs }),
      });
      if (typeof answer === 'object' && 'secret' in answer) {
        const origin = `docker-credential-${helper} (${file.path})`;
        return { auth: authOf(answer, serveraddress), origin, problems };
      }
      if (answer !== 'unknown') problems.push(answer.problem);
    }
    const stored = storedLogin(file.auths, image);
    const auth = stored === undefined ? undefined : parseStored(stored, serveraddress);
    if (auth === 'unreadable') problems.push(`the entry for ${image.registry} in ${file.path} is unreadable`);
    else if (auth !== undefined) return { auth, origin: file.path, problems };
  }
  return { auth: undefined, origin: undefined, problems };
}

/** The secrets of a login, for taking them out of texts. */
export function secretsOf(auth: RegistryAuth | undefined): readonly string[] {
  const { password, identitytoken, registrytoken } = auth ?? {};
  return [password, identitytoken, registrytoken].filter((secret) => isText(secret));
}

/** Every registry that has a login of its own in a file, as it is named in references. */
export async function registriesWithLogin(
  kind: 'docker' | 'podman',
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const { files } = await readCredentialFiles(kind, env);
  const keys = files.flatMap((file) => [...Object.keys(file.auths), ...Object.keys(file.credHelpers)]);
  return [...new Set(keys.map((key) => (HUB_NAMES.includes(key) ? 'docker.io' : hostOf(key))))];
}

function helperFor(file: CredentialFile, registry: string): string | undefined {
  const names = registry === 'docker.io' ? HUB_NAMES : [registry];
  for (const name of names) {
    if (Object.hasOwn(file.credHelpers, name)) return file.credHelpers[name];
  }
  return file.credsStore;
}

/** A program says `<token>` for a name where its secret is an identity token. */
function authOf(
  { username, secret }: { readonly username: string; readonly secret: string },
  serveraddress: string,
): RegistryAuth {
  if (username === '<token>') return { identitytoken: secret, serveraddress };
  return { username, password: secret, serveraddress };
}

/** Podman's keys may name a part of a registry, the longest counts; docker's old ones are URLs. */
function storedLogin(
  auths: Readonly<Record<string, StoredLogin>>,
  { registry, path }: { readonly registry: string; readonly path: string },
): StoredLogin | undefined {
  const names = registry === 'docker.io' ? HUB_NAMES : [registry];
  const folders = path.split('/');
  for (let length = folders.length; length > 0; length -= 1) {
    const name = `${registry}/${folders.slice(0, length).join('/')}`;
    if (Object.hasOwn(auths, name)) return auths[name];
  }
  for (const name of names) if (Object.hasOwn(auths, name)) return auths[name];
  const key = Object.keys(auths).find((key) => /^https?:\/\//.test(key) && names.includes(hostOf(key)));
  return key === undefined ? undefined : auths[key];
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/s, '');
}

/** `undefined` for an entry that only says that a helper has the login. */
function parseStored(stored: StoredLogin, serveraddress: string): RegistryAuth | 'unreadable' | undefined {
  const { auth, username, password, identitytoken, registrytoken } = stored;
  if (isText(registrytoken)) return { registrytoken, serveraddress };
  if (isText(identitytoken)) return { identitytoken, serveraddress };
  if (isText(username) && isText(password)) return { username, password, serveraddress };
  if (!isText(auth)) return undefined;
  const [, name, secret] = /^([^:]+):(.*)$/s.exec(Buffer.from(auth, 'base64').toString('utf8')) ?? [];
  if (name === undefined || secret === undefined) return 'unreadable';
  return { username: name, password: secret.replace(/\0+$/, ''), serveraddress };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
