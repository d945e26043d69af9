import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompanionError } from '@companion/core';
import { DEFAULT_ADDRESS, parseAddress } from './address.js';
import { configDirectory } from './config-directory.js';
import type { Endpoint } from './endpoint.js';
import { tlsFromDirectory } from './tls.js';

/** Which context the docker command uses, DOCKER_HOST aside; no name where that is its default one. */
export interface CurrentContext {
  readonly name?: string;
  readonly origin: string;
  /** What is to be said where the answer may surprise. */
  readonly remark?: string;
}

export async function currentContext(env: NodeJS.ProcessEnv): Promise<CurrentContext> {
  if (env.DOCKER_CONTEXT) return context(env.DOCKER_CONTEXT, 'DOCKER_CONTEXT');
  const path = join(configDirectory(env), 'config.json');
  const origin = `currentContext in ${path}`;
  try {
    const config = await readJson(path);
    const name = isRecord(config) ? config.currentContext : undefined;
    return context(typeof name === 'string' ? name : '', origin);
  } catch {
    // Docker warns and goes on: with sudo one easily gets a file there that only root reads.
    return { origin, remark: `${path} cannot be read` };
  }
}

function context(name: string, origin: string): CurrentContext {
  return name === '' || name === 'default' ? { origin } : { name, origin };
}

/**
 * The endpoint of one of the docker command's contexts (cli/context/store of docker/cli): everything of it is in
 * directories named after the SHA-256 of its name.
 */
export async function contextEndpoint(
  name: string,
  saidBy: string,
  env: NodeJS.ProcessEnv,
): Promise<Endpoint> {
  const origin = `the context "${name}" (${saidBy})`;
  const contexts = join(configDirectory(env), 'contexts');
  const digest = createHash('sha256').update(name).digest('hex');
  const path = join(contexts, 'meta', digest, 'meta.json');
  const refused = (problem: string, cause?: unknown): CompanionError =>
    new CompanionError('COMPANION_NO_BACKEND', `${origin} ${problem}`, {
      cause,
      hint: 'See `docker context ls` for those that there are.',
    });
  let meta: unknown;
  try {
    meta = await readJson(path);
  } catch (error) {
    throw refused(`cannot be read from ${path}`, error);
  }
  if (meta === undefined) throw refused('does not exist');
  const endpoints = isRecord(meta) ? meta.Endpoints : undefined;
  const docker = isRecord(endpoints) ? endpoints.docker : undefined;
  if (!isRecord(docker)) throw refused('names no engine of Docker');
  const host = typeof docker.Host === 'string' && docker.Host !== '' ? docker.Host : DEFAULT_ADDRESS;
  const { address, transport } = parseAddress(host, origin);
  if (transport.kind !== 'tcp') return { address, origin, transport };
  const skipVerify = docker.SkipTLSVerify === true;
  const tls = await tlsFromDirectory(join(contexts, 'tls', digest, 'docker'), !skipVerify);
  // Without any of the two it is a port without TLS.
  const plain = !skipVerify && tls.ca === undefined && tls.cert === undefined;
  return { address, origin, transport: plain ? transport : { ...transport, tls } };
}

/** Undefined where there is no such file. */
async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
