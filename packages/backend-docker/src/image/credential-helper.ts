import { spawn } from 'node:child_process';

/** A keychain may ask its user; a helper that asks nobody must not hold a start for ever. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

export type HelperAnswer =
  | { readonly username: string; readonly secret: string }
  /** It knows no login for this registry. */
  | 'unknown'
  /** One clause; never what the helper printed, which may hold a secret. */
  | { readonly problem: string };

/**
 * Asks `docker-credential-<name> get`: the registry's name on its standard input, JSON on its standard output.
 * Rejects with the signal's reason only.
 */
export async function askCredentialHelper(
  name: string,
  registry: string,
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal | undefined;
    readonly timeoutMs?: number;
  },
): Promise<HelperAnswer> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name)) return { problem: `${JSON.stringify(program)} is no name of a program` };
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  signal?.throwIfAborted();
  const ended = await runHelper(program, `${registry}\n`, { ...options, timeoutMs });
  signal?.throwIfAborted();
  if (ended.problem !== undefined) return { problem: `${program} ${ended.problem}` };
  // The words of docker's own helpers, on standard output, for "no such entry".
  if (ended.code !== 0 && /credentials not found/i.test(ended.output)) return 'unknown';
  if (ended.code !== 0) return { problem: `${program} failed with exit code ${ended.code}` };
  return parseAnswer(program, ended.output);
}

function parseAnswer(program: string, output: string): HelperAnswer {
  try {
    const { Username: username, Secret: secret } = JSON.parse(output);
    if (typeof username !== 'string' || typeof secret !== 'string') throw new TypeError();
    return secret === '' ? 'unknown' : { username, secret };
  } catch {
    return { problem: `${program} answered with something that is no login` };
  }
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly problem?: string;
}

function runHelper(
  program: string,
  input: string,
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal | undefined;
    readonly timeoutMs: number;
  },
): Promise<Ended> {
  const isWindows = process.platform === 'win32';
  return new Promise((resolve) => {
    // A group of its own: helpers are often scripts, and killing the script alone would leave what it runs.
    const child = spawn(program, ['get'], {
      env: options.env,
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: !isWindows,
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (ended: Omit<Ended, 'output'>): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      resolve({ ...ended, output: Buffer.concat(chunks).toString('utf8') });
    };
    const end = (problem: string): void => {
      if (child.pid !== undefined && !isWindows) killGroup(child.pid);
      else child.kill('SIGKILL');
      child.stdout.destroy();
      settle({ code: null, problem });
    };
    const abort = (): void => end('was aborted');
    const timer = setTimeout(
      () => end(`did not answer within ${options.timeoutMs / 1000} s`),
      options.timeoutMs,
    );
    options.signal?.addEventListener('abort', abort, { once: true });
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle({
        code: null,
        problem: error.code === 'ENOENT' ? 'is not on the PATH' : `cannot be run (${error.code})`,
      }),
    );
    child.on('close', (code) => settle({ code }));
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) end('answered with more than 1 MiB');
    });
    // A helper need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
