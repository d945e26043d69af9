import { homedir } from 'node:os';
import { join } from 'node:path';

/** The home directory of whoever has that environment. */
export function homeDirectory(env: NodeJS.ProcessEnv): string {
  return (process.platform === 'win32' ? env.USERPROFILE : env.HOME) || homedir();
}

/** Where the docker command keeps config.json, contexts and certificates. */
export function configDirectory(env: NodeJS.ProcessEnv): string {
  return env.DOCKER_CONFIG || join(homeDirectory(env), '.docker');
}
