import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Abortable, Detection, EnvironmentRequest } from '@companion/core/backend';
import type { NixOptions } from './options.js';
import { shellRequest } from './shell-request.js';

type No = Detection & { readonly available: false };

/**
 * Whether there is a dev shell to enter and a Nix to evaluate it, without evaluating anything. Most projects have none,
 * which one look at the directory tells.
 */
export async function detectNix(
  { sourceDir, main }: EnvironmentRequest,
  options: NixOptions,
  { signal }: Abortable,
): Promise<Detection> {
  if (main !== undefined && [...(main.entrypoint ?? []), ...(main.command ?? [])].length === 0) {
    return no(
      'pause is false, and there is no image that could say what to run',
      'Pass the option `command`.',
    );
  }
  const { entry } = shellRequest(sourceDir, options);
  const unreadable = entry.kind === 'remote' ? undefined : whyUnreadable(entry);
  if (unreadable !== undefined) return unreadable;
  if (process.platform === 'win32') {
    return no('Nix does not run on Windows', 'Run this in WSL, where it does.');
  }
  const { findNix, nixVariables } = await import('./nix/find-nix.js');
  const env = nixVariables();
  const program = findNix(env);
  if (program === undefined) return no('nix is not installed', installHint());
  const [{ probeNix }, { isTracked }] = await Promise.all([
    import('./nix/probe-nix.js'),
    import('./nix/git-tracking.js'),
  ]);
  // `path:` means the directory, whatever git thinks of it.
  const flakeInGit = entry.kind === 'flake' && entry.everyFile !== true ? entry.path : undefined;
  const [nix, tracked] = await Promise.all([
    probeNix(program, env, entry.kind === 'file' ? 'nix-command' : 'flakes', { signal }),
    flakeInGit === undefined || isTracked(flakeInGit, env, { signal }),
  ]);
  if (!nix.works) return no(nix.reason, nix.hint);
  if (flakeInGit !== undefined && !tracked) {
    return no(
      `git does not track ${flakeInGit}, and Nix sees only what git tracks`,
      `Run \`git add --intent-to-add flake.nix\` there, or set \`backendOptions.nix.flake\` to \`path:${dirname(flakeInGit)}\`, which git has no part in.`,
    );
  }
  const { detectionHere } = await import('@companion/backend-local/spawn');
  return await detectionHere(`${nix.version}, ${program.path}`);
}

function whyUnreadable({
  kind,
  path,
}: {
  readonly kind: 'flake' | 'file';
  readonly path: string;
}): No | undefined {
  try {
    accessSync(path, constants.R_OK);
    if (kind === 'file' || statSync(path).isFile()) return undefined;
    return no(`${path} is not a file`, 'Nix reads a flake from a file of that name.');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') {
      return no(`${path} may not be read`, 'Give this user the right to read it.');
    }
    return kind === 'file'
      ? no(`there is no ${path}`, 'Mend `backendOptions.nix.file`.')
      : no(
          `there is no ${path}`,
          'Add a flake with a dev shell (`nix flake init`), or name one with `backendOptions.nix.flake`.',
        );
  }
}

/** As nix.dev says it. */
function installHint(): string {
  const command = 'curl -L https://nixos.org/nix/install | sh';
  const forThis = process.platform === 'linux' ? `${command} -s -- --daemon` : command;
  return `Install it: \`${forThis}\`, then enable flakes; see https://nix.dev/install-nix.`;
}

function no(reason: string, hint: string | undefined): No {
  return hint === undefined ? { available: false, reason } : { available: false, reason, hint };
}
