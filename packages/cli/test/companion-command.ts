import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const BIN = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once the text has come, on either output. */
  saw(text: string): Promise<void>;
}

interface StartOptions {
  readonly cwd?: string;
  /** On top of this process's; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Left open where nothing is given. */
  readonly input?: Uint8Array | string | null;
}

/** Starts a program, collecting what it says. */
export function start(file: string, args: readonly string[], options: StartOptions = {}): Running {
  // NODE_PATH: package managers set it for what they start, and then packages are found that a project does not have.
  const {
    COMPANION_BACKEND: _backend,
    COMPANION_REQUIRE_BACKENDS: _required,
    NODE_PATH: _nodePath,
    ...env
  } = process.env;
  const child = spawn(file, args, {
    cwd: options.cwd,
    // An engine of this machine has no part in tests, unless one of them names it.
    env: { ...env, DOCKER_HOST: 'unix:///nonexistent/docker.sock', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const text = (): string => Buffer.concat([...chunks.stdout, ...chunks.stderr]).toString();
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  // A command may leave its input unread.
  child.stdin.on('error', () => {});
  if (options.input !== undefined) child.stdin.end(options.input ?? undefined);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const stdout = Buffer.concat(chunks.stdout);
      resolve({ code, signal, stdout, stderr: Buffer.concat(chunks.stderr).toString() });
    });
  });
  const saw = async (wanted: string): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (text().includes(wanted)) resolve();
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      ended.then(() => reject(new Error(`ended without saying ${wanted}, but: ${text()}`)), reject);
      look();
    });
  };
  return { child, ended, saw };
}

/** Starts the built command. */
export function startCompanion(args: readonly string[], options: StartOptions = {}): Running {
  if (!existsSync(BIN)) throw new Error(`${BIN} is missing: build first`);
  return start(process.execPath, [BIN, ...args], options);
}

/** Runs the built command to its end, with an input that has ended. */
export function companion(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return startCompanion(args, { input: null, ...options }).ended;
}

/** Whether the process exists and has not ended: one that nobody has reaped yet has. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
