import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostProcesses } from '@companion/backend-local/spawn';
import { onTestFinished, vi } from 'vitest';
import type { DevEnv } from '../../src/shell/dev-env.js';
import { type Entrance, enterShell } from '../../src/shell/enter-shell.js';

export const PATH = process.env.PATH ?? '';

/** What Nix gives for a derivation built by this machine's bash. */
export function devEnv(variables: DevEnv['variables'], more: Partial<DevEnv> = {}): DevEnv {
  const basic: DevEnv['variables'] = {
    PATH: { type: 'exported', value: '/shell/bin' },
    SHELL: { type: 'exported', value: '/bin/bash' },
    builder: { type: 'exported', value: '/bin/bash' },
    out: { type: 'exported', value: '/store/hash-shell-env' },
    outputs: { type: 'exported', value: 'out' },
  };
  return { variables: { ...basic, ...variables }, bashFunctions: {}, ...more };
}

export function withHook(script: string, more: Partial<DevEnv> = {}): DevEnv {
  return devEnv({ shellHook: { type: 'exported', value: script } }, more);
}

/** Also false for what has ended and whose parent has not asked. */
export function lives(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z\s]/.test(stdout.trim());
}

/** A directory for a test, and for all that the code under test puts into the temporary one. */
export async function entering() {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'companion-entering-')));
  const [cwd, temporary, files] = ['source', 'temporary', 'files'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(cwd);
  await mkdir(temporary);
  vi.stubEnv('TMPDIR', temporary);
  const processes = new HostProcesses();
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await processes.endAll();
    await rm(root, { recursive: true, force: true });
  });
  const lines: string[] = [];
  const enter = (shell: DevEnv, options: Partial<Entrance> = {}) =>
    enterShell(shell, {
      hostEnv: { PATH },
      cwd,
      files,
      processes,
      runHook: true,
      timeoutMs: 20_000,
      onOutput: (line) => lines.push(line),
      ...options,
    });
  return { root, cwd, temporary, files, processes, lines, enter };
}
