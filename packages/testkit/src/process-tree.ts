import type { CompanionRunner } from '@companion/core';
import type { CaseContext } from './case.js';
import { HEARTBEAT, type Heartbeat, heartbeat } from './heartbeat.js';
import { sh } from './shell.js';

/** A process with descendants of every kind, each with a heart of its own. */
export interface ProcessTree {
  /** Starts it: `runner.spawn(...tree.command)`. The leader beats in the foreground. */
  readonly command: [file: 'sh', args: string[]];
  /** By kind. `session` has called setsid; `orphan` was double-forked and belongs to init. */
  readonly hearts: Readonly<Record<'leader' | 'child' | 'session' | 'orphan', Heartbeat>>;
  /** Resolves once all of them beat. */
  waitForBeats(): Promise<void>;
  /** Rejects, naming the kind, unless all of them fall silent. */
  assertStops(options?: { readonly withinMs?: number }): Promise<void>;
}

/**
 * A tree whose members write to `<name>.leader`, `.child`, `.session` and `.orphan` in the case's directory.
 * `deaf`: none of them obeys TERM, HUP or INT.
 */
export function processTree(
  context: Pick<CaseContext, 'directory' | 'signal' | 'due'>,
  runner: CompanionRunner,
  name: string,
  { deaf = false }: { readonly deaf?: boolean } = {},
): ProcessTree {
  const hearts = {
    leader: heartbeat(context, runner, `${name}.leader`),
    child: heartbeat(context, runner, `${name}.child`),
    session: heartbeat(context, runner, `${name}.session`),
    orphan: heartbeat(context, runner, `${name}.orphan`),
  };
  // $1 is the script of a heart, the files follow.
  const script = [
    ...(deaf ? ["trap '' TERM HUP INT"] : []),
    'sh -c "$1" sh "$3" &',
    'setsid sh -c "$1" sh "$4" &',
    '(sh -c "$1" sh "$5" &)',
    'sh -c "$1" sh "$2"',
  ].join('\n');
  const files = Object.values(hearts).map((heart) => heart.file.companionPath);
  return {
    command: sh(script, HEARTBEAT, ...files),
    hearts,
    waitForBeats: async () => {
      await Promise.all(
        Object.entries(hearts).map(([kind, heart]) =>
          heart.waitForBeats(1, `the ${kind} process of the tree lives`),
        ),
      );
    },
    assertStops: async ({ withinMs } = {}) => {
      await Promise.all(
        Object.entries(hearts).map(([kind, heart]) =>
          heart.assertStops({
            what: `the ${kind} process of the tree is gone`,
            ...(withinMs === undefined ? {} : { withinMs }),
          }),
        ),
      );
    },
  };
}
