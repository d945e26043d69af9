import { execFile } from 'node:child_process';
import type { Abortable } from '@companion/core/backend';
import { statOf } from '../source/mark.js';
import { configurationFiles } from './configuration-files.js';
import { causeOf, type FailureKind } from './failure-cause.js';
import type { NixProgram } from './find-nix.js';
import { killDescendants } from './kill-descendants.js';
import { Redaction } from './redact.js';

type Variables = Readonly<Record<string, string>>;

/** Whether Nix does here what this backend needs. A version has its name: `Nix 2.8.0`. */
export type NixAnswer =
  | { readonly works: true; readonly version: string }
  | { readonly works: false; readonly reason: string; readonly hint: string | undefined };

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  /** Of standard error, without secrets. */
  readonly lines: readonly string[];
}

/** Kinds of failures that no flake is to blame for. */
const OF_NIX: readonly FailureKind[] = ['feature-disabled', 'configuration', 'daemon', 'store', 'no-space'];

const NOT_NIX = 'Put the directory of Nix in front of it in PATH.';

/** By what could change them. Only good answers: the others may be mended where nobody looks. */
const known = new Map<string, NixAnswer>();

/** `needs`: `nix-command` is enough for a file that is no flake. */
export async function probeNix(
  program: NixProgram,
  env: Variables,
  needs: 'flakes' | 'nix-command',
  { signal }: Abortable,
): Promise<NixAnswer> {
  const key = fingerprint(program, env, needs);
  const before = known.get(key);
  if (before !== undefined) return before;
  const ask = (...args: string[]): Promise<Ended> => run(program, args, env, signal);
  // What it is asked for cannot be there. On the way to this answer it looks at its settings, its features and its
  // store, which the settings alone would not tell: which features are on by default differs between releases.
  const [version, answer] = await Promise.all([
    ask('--version'),
    ask('flake', 'metadata', `path:${program.path}/none`),
  ]);
  const verdict = judge(program, version, answer, needs);
  if (verdict.works) known.set(key, verdict);
  return verdict;
}

function judge(
  { path }: NixProgram,
  version: Ended,
  answer: Ended,
  needs: 'flakes' | 'nix-command',
): NixAnswer {
  const works = { works: true, version: versionIn(version.stdout) } as const;
  const text = answer.lines.join('\n');
  const cause = causeOf(answer.lines, '/');
  const disabled = /experimental \w+ feature '([\w-]+)' is disabled/.exec(text)?.[1];
  if (disabled === 'flakes' && needs === 'nix-command') return works;
  if (disabled !== undefined) {
    return { works: false, reason: `the feature ${disabled} of nix is disabled`, hint: cause?.hint };
  }
  if (cause?.kind === 'daemon') {
    const reason = `the Nix daemon cannot be reached: ${reasonIn(answer)}`;
    return { works: false, reason, hint: cause.hint };
  }
  if (/'flake' is not a recogni[sz]ed command/.test(text)) {
    const reason = `${works.version} is too old for flakes`;
    return { works: false, reason, hint: 'Install Nix 2.4 or later.' };
  }
  if (cause !== undefined && OF_NIX.includes(cause.kind)) {
    return { works: false, reason: `nix refuses to work: ${reasonIn(answer)}`, hint: cause.hint };
  }
  if (version.code !== 0)
    return { works: false, reason: `nix does not run: ${reasonIn(version)}`, hint: undefined };
  return works.version === ''
    ? { works: false, reason: `${path} is not Nix: it says "${firstLineOf(version.stdout)}"`, hint: NOT_NIX }
    : works;
}

function firstLineOf(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 100) ?? '';
}

/** The error itself comes after what led to it. */
function reasonIn({ code, lines }: Ended): string {
  const errors = lines.flatMap((line) => /^\s*error: (.+)/.exec(line)?.[1] ?? []);
  return errors.at(-1) ?? lines.at(-1) ?? `exited with code ${code}`;
}

/** '' where it is none: `nix (Nix) 2.8.0`, `nix (Lix, like Nix) 2.91.1`, `nix (Determinate Nix 3.0.0) 2.26.3` */
function versionIn(text: string): string {
  const [, name, version] = /^nix \(([^),]*)[^)]*\) (\S+)/.exec(text) ?? [];
  return name === undefined ? '' : `${name} ${version}`;
}

function run(
  program: NixProgram,
  args: readonly string[],
  env: Variables,
  signal: AbortSignal | undefined,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = execFile(
      program.path,
      args,
      { env, cwd: '/', killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        signal?.removeEventListener('abort', onAbort);
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const text = new Redaction(env).apply(stderr === '' && error !== null ? error.message : stderr);
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, stdout, lines: text.split('\n').filter((line) => line.trim() !== '') });
      },
    );
    const onAbort = (): void => {
      if (child.pid !== undefined) killDescendants(child.pid);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    child.stdin?.end();
  });
}

function fingerprint({ identity }: NixProgram, env: Variables, needs: string): string {
  const variables = Object.entries(env).filter(([name]) => name.startsWith('NIX_') || name === 'HOME');
  const files = configurationFiles(env).map((path) => {
    const stats = statOf(path);
    return `${path} ${stats?.size} ${stats?.mtimeMs}`;
  });
  return JSON.stringify([identity, needs, variables, files]);
}
