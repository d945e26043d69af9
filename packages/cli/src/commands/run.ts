import type { CompanionRunner, RunResult } from '@companion/core';
import type { Command } from '../command.js';
import { usageError } from '../command-line-error.js';
import { connectInput } from '../connect-input.js';
import { describeEvent } from '../describe-event.js';
import { exitCodeOfSignal } from '../exit-codes.js';
import { type LoadedBackend, loadUsableBackends, withAbsent } from '../load-backends.js';
import { optionHelp } from '../option-table.js';
import { passOutput } from '../pass-stdio.js';
import { failureOf, say, sayFailure } from '../print.js';
import { reportEnd, sayFellBack, sayPorts } from '../report-run.js';
import { parseRun, RUN_OPTIONS, type RunRequest } from '../run-options.js';
import { SignalForwarding } from '../signal-forwarding.js';
import type { OutputSink, StandardStreams } from '../standard-streams.js';
import { StartProgress, StatusLine } from '../status-line.js';

const HELP = `Runs a command in an environment and ends the environment with it.

Usage: companion run [options] -- command [argument …]

${optionHelp(RUN_OPTIONS)}

Standard input, output and error are passed on byte by byte, signals too; a second Ctrl-C ends the command with all it
has started, a third kills it.

Exit codes: the command's own; 128+n when signal n ended it; 124 after --timeout; 125 when companion itself failed;
126 when the command is not executable, 127 when it is not found; 2 for a mistake in these options.

Examples:
  companion run -- node --version
  companion run --image node:24 --no-fallback -- npm test
  companion run --load ./my-backend.js --backend mine -- sh -c 'id; hostname'
  companion run --image golang:1.25 --mount ~/go/pkg:/go/pkg -e CGO_ENABLED=0 -- go build ./...
`;

/** `companion run [options] -- command …` */
export const runCommand: Command = {
  help: HELP,
  execute: async (args, streams) => {
    const request = parseRun(args, process.env);
    const signals = new SignalForwarding();
    try {
      return await Promise.race([runIn(request, streams, signals), signals.insisted]);
    } catch (error) {
      if (signals.received === undefined || failureOf(error).code !== 'COMPANION_ABORTED') throw error;
      // Whoever presses Ctrl-C knows; a program that reads the result has to be told.
      if (request.output === 'json') throw signals.interruption('before the command ran');
      return exitCodeOfSignal(signals.received);
    } finally {
      signals.end();
    }
  },
};

async function runIn(
  request: RunRequest,
  streams: StandardStreams,
  signals: SignalForwarding,
): Promise<number> {
  const { runner, loaded } = await createRunner(request, streams.stderr, signals.signal);
  let result: RunResult;
  try {
    if (runner.selection.fellBack && request.talk !== 'quiet') sayFellBack(streams.stderr, runner, loaded);
    await runner.init({ signal: signals.signal });
    if (request.talk !== 'quiet') sayPorts(streams.stderr, runner, request);
    result = await runCommandIn(runner, request, streams, signals);
  } catch (error) {
    await runner.shutdown().catch((cause: unknown) => sayFailure(streams.stderr, failureOf(cause)));
    throw error;
  }
  const left = await runner.shutdown().then(
    () => undefined,
    (error: unknown) => failureOf(error),
  );
  return reportEnd(request, streams, runner, result, left);
}

async function createRunner(
  request: RunRequest,
  stderr: OutputSink,
  signal: AbortSignal,
): Promise<{ readonly runner: CompanionRunner; readonly loaded: readonly LoadedBackend[] }> {
  const { preferredBackend } = request.options;
  const preferred = preferredBackend ?? (process.env.COMPANION_BACKEND || undefined);
  const by = preferredBackend === undefined ? 'COMPANION_BACKEND' : '--backend';
  const loaded = await loadUsableBackends(preferred, by, request.load);
  const { createCompanion } = await import('@companion/core');
  const progress = new StartProgress(new StatusLine(stderr));
  try {
    const runner = await createCompanion(
      {
        ...request.options,
        onEvent: (event) => {
          if (request.talk === 'verbose') say(stderr, describeEvent(event));
          else if (request.talk === 'normal') {
            progress.take(event);
            if (event.topic === 'environment' && event.type === 'notice') say(stderr, event.message);
          }
        },
      },
      { signal },
    );
    return { runner, loaded };
  } catch (error) {
    // What core refuses in an option is a mistake on this command line.
    if (error instanceof TypeError) throw usageError(error.message, 'See companion run --help.');
    if (error instanceof Error && failureOf(error).code === 'COMPANION_NO_BACKEND')
      throw withAbsent(error, loaded);
    throw error;
  }
}

/** Whether signals may come from a terminal: one of our ends is one. */
function onTerminal({ stdinIsTerminal, stdout, stderr }: StandardStreams): boolean {
  return stdinIsTerminal || stdout.isTTY === true || stderr.isTTY === true;
}

async function runCommandIn(
  runner: CompanionRunner,
  request: RunRequest,
  streams: StandardStreams,
  signals: SignalForwarding,
): Promise<RunResult> {
  const command = runner.newProcess(request.file, ...request.args);
  if (request.cwd !== undefined) command.withDir(request.cwd);
  const release = connectInput(command, runner, request, streams);
  // With --json, stdout is the result's.
  const stdout = request.output === 'json' ? streams.stderr : streams.stdout;
  const tree = runner.capabilities.killTree;
  const passed = Promise.all([
    passOutput(command.stdout, stdout, { process: command, tree }),
    passOutput(command.stderr, streams.stderr, { process: command, tree }),
  ]);
  signals.forwardTo(command, { tree: tree && onTerminal(streams) });
  const { timeoutMs } = request;
  try {
    const result = await command.run({
      reject: false,
      signal: signals.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    await passed;
    return result;
  } finally {
    release();
  }
}
