import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompanionRunner } from '@companion/core';
import type { CaseContext } from './case.js';
import { type ExchangedFile, exchangedFile } from './exchanged-file.js';
import { sh } from './shell.js';
import { waitUntil } from './wait-until.js';

/** Between two beats. A sleep of a fraction of a second is in coreutils, busybox and toybox. */
const BEAT_MS = 50;

/** A dead heart has been silent for so many beats: a busy machine makes a live one skip some. */
const SILENT_BEATS = 12;

/**
 * Appends a line to `$1` twenty times a second. Ends by itself after two minutes or once its file is gone, so that what
 * a faulty backend leaves behind does not outlive the suite for long.
 */
export const HEARTBEAT =
  ': >> "$1"; beat=0; while [ -e "$1" ] && [ "$beat" -lt 2400 ]; do echo >> "$1"; beat=$((beat + 1)); sleep 0.05; done';

/** A process inside that appends to a file as long as it lives: shows life and death without asking for a pid. */
export interface Heartbeat {
  readonly file: ExchangedFile;
  /** Runs the heart in the foreground: `runner.spawn(...heart.command)`. */
  readonly command: [file: 'sh', args: string[]];
  /** The same, deaf to TERM, HUP and INT. */
  readonly deafCommand: [file: 'sh', args: string[]];
  /** How often it has beaten. */
  beats(): Promise<number>;
  /** Resolves once it has beaten `more` times (default 2) from now on: it lives. `what` begins the message. */
  waitForBeats(more?: number, what?: string): Promise<void>;
  /** Rejects unless it falls silent within `withinMs` (default 10,000) and stays so; `what` begins the message. */
  assertStops(options?: { readonly withinMs?: number; readonly what?: string }): Promise<void>;
}

/** A heartbeat file in the case's directory. See {@link exchangedFile} for what the runner must be. */
export function heartbeat(
  context: Pick<CaseContext, 'directory' | 'signal' | 'due'>,
  runner: CompanionRunner,
  name: string,
): Heartbeat {
  const { signal, due } = context;
  const file = exchangedFile(context, runner, name);
  const beats = async (): Promise<number> => (await file.read())?.length ?? 0;
  return {
    file,
    command: sh(HEARTBEAT, file.companionPath),
    deafCommand: sh(`trap '' TERM HUP INT; ${HEARTBEAT}`, file.companionPath),
    beats,
    waitForBeats: async (more = 2, what = `the process behind ${name} lives`) => {
      const before = await beats();
      const beating = async (): Promise<boolean> => (await beats()) >= before + more;
      await due(what, waitUntil(beating, { what: `beats of ${name}`, signal }));
    },
    assertStops: async ({ withinMs = 10_000, what = `the process behind ${name} is gone` } = {}) => {
      await due(what, assertSilence(beats, what, withinMs, signal));
    },
  };
}

async function assertSilence(
  beats: () => Promise<number>,
  what: string,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  let last = await beats();
  let silentSince = performance.now();
  while (performance.now() - silentSince < BEAT_MS * SILENT_BEATS) {
    await delay(BEAT_MS / 2, undefined, { signal });
    const now = await beats();
    if (now === last) continue;
    assert.ok(performance.now() < deadline, `${what}: it still beats after ${withinMs} ms`);
    last = now;
    silentSince = performance.now();
  }
}
