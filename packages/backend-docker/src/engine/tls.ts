import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompanionError } from '@companion/core';
import { configDirectory } from './config-directory.js';

/** Of a connection with TLS, as node:tls takes it. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** False where the user has said that the engine's certificate is not to be looked at. */
  readonly rejectUnauthorized: boolean;
}

/** What DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH say; undefined without TLS. */
export async function tlsFromEnvironment(env: NodeJS.ProcessEnv): Promise<TlsMaterial | undefined> {
  // Any text turns it on, "0" too: so does docker.
  const verify = Boolean(env.DOCKER_TLS_VERIFY);
  if (!verify && !env.DOCKER_TLS) return undefined;
  const [directory, origin] = env.DOCKER_CERT_PATH
    ? [env.DOCKER_CERT_PATH, 'DOCKER_CERT_PATH']
    : [configDirectory(env), 'DOCKER_CERT_PATH is not set'];
  const material = await tlsFromDirectory(directory, verify);
  if (material.ca === undefined) {
    throw new CompanionError(
      'COMPANION_NO_BACKEND',
      `TLS is asked for, and there is no ca.pem in ${directory} (${origin})`,
      {
        hint: 'Set DOCKER_CERT_PATH to the directory with ca.pem, cert.pem and key.pem, or unset DOCKER_TLS_VERIFY and DOCKER_TLS.',
      },
    );
  }
  return material;
}

/** The files that are in a directory, of ca.pem, cert.pem and key.pem. */
export async function tlsFromDirectory(directory: string, rejectUnauthorized: boolean): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => pem(join(directory, name))),
  );
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'cert.pem' : 'key.pem';
    throw new CompanionError(
      'COMPANION_NO_BACKEND',
      `${directory} has a part of a certificate: ${missing} is missing`,
      {
        hint: 'An engine that asks for a certificate needs cert.pem and key.pem.',
      },
    );
  }
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), rejectUnauthorized };
}

async function pem(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CompanionError('COMPANION_NO_BACKEND', `${path} cannot be read (${code})`, { cause });
  }
}
