import { spawnSync } from 'node:child_process';
import type { CompanionProcess, CompanionRunner, TerminalSize } from '@companion/core';
import { passInput } from './pass-stdio.js';
import { say } from './print.js';
import type { RunRequest } from './run-options.js';
import type { OutputSink, StandardStreams } from './standard-streams.js';

/**
 * Gives the command its standard input, before it starts: a terminal inside where both our ends are one and the backend
 * has terminals, our own terminal where only that is possible, else a pipe. Returns what lets go of it.
 */
export function connectInput(
  command: CompanionProcess,
  runner: CompanionRunner,
  request: RunRequest,
  { stdinIsTerminal, openStdin, stdout, stderr }: StandardStreams,
): () => void {
  const bothEnds = stdinIsTerminal && stdout.isTTY === true;
  const tty = bothEnds && request.tty && request.output === 'plain' && runner.capabilities.tty;
  if (stdinIsTerminal && !tty) {
    command.withStdin('inherit');
    return () => {};
  }
  command.withStdin('pipe');
  if (tty) command.withTty(sizeOf(stdout));
  const source = openStdin();
  const stop = passInput(source, command.stdin, (error) => {
    say(stderr, `standard input could not be read: ${error.message}`);
  });
  if (!tty) return stop;
  // Keys are for the terminal inside: it echoes, and its Ctrl-C is a signal there.
  source.setRawMode?.(true);
  // So are line breaks, which Node's raw mode leaves on: what draws a whole screen would be drawn askew. The end of the
  // raw mode takes this back, too; where there is no stty, it stays as it is.
  spawnSync('stty', ['-opost'], { stdio: [0, 'ignore', 'ignore'] });
  const onResize = (): void => {
    // A command that has ended has no terminal any more.
    command.resize(sizeOf(stdout)).catch(() => {});
  };
  stdout.on('resize', onResize);
  return () => {
    stdout.off('resize', onResize);
    source.setRawMode?.(false);
    stop();
  };
}

/** A terminal that was never told its size says 0. */
function sizeOf({ columns, rows }: OutputSink): TerminalSize {
  return { columns: columns || 80, rows: rows || 24 };
}
