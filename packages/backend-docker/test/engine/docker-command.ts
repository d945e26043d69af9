import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';

export const hasDockerCommand = spawnSync('docker', ['--version']).error === undefined;

/** Runs the real docker command with these variables and no others that could name an engine. */
export async function docker(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ output: string; complaint: string }> {
  const child = spawn('docker', args, { env: { PATH: process.env.PATH, ...env } });
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { output: output.trim(), complaint: complaint.trim() };
}

/** Where the docker command would connect to; '' where it refuses. */
export async function dockerAddress(env: NodeJS.ProcessEnv): Promise<string> {
  return (await docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'], env)).output;
}
