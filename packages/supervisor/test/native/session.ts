import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { SupervisedCommand } from '../../src/spawn-frame.js';
import { connectSupervisor, type Supervisor } from '../../src/supervisor.js';

/** A supervisor of one's own choice, and its end: of the stream, and of the program. */
export interface NativeSession {
  readonly supervisor: Supervisor;
  end(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export async function startSession(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<NativeSession> {
  const child: ChildProcess = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('it has no streams');
  const exited = once(child, 'exit');
  const supervisor = await connectSupervisor({ readable: stdout, writable: stdin });
  const end = async () => {
    await supervisor.close();
    stdin.destroy();
    const [code, signal] = await exited;
    return { code, signal };
  };
  return { supervisor, end };
}

export function command(
  file: string,
  args: readonly string[],
  more: Partial<SupervisedCommand> = {},
): SupervisedCommand {
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  return { file, args, env, cwd: '/', stdin: 'ignore', ...more };
}

export async function textOf(stream: Readable): Promise<string> {
  let text = '';
  stream.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  await once(stream, 'end');
  return text;
}

/** Why it cannot be run; nothing if it can. */
export function whyNot(ended: { error?: Error; status: number | null }, what: string): string | undefined {
  return ended.error === undefined && ended.status === 0 ? undefined : `skipped: there is no ${what}`;
}
