import type { CompanionRunner, RunResult } from '@companion/core';
import { EXIT, exitCodeOfStatus } from './exit-codes.js';
import { type LoadedBackend, whyNotLoaded } from './load-backends.js';
import { type Failure, printJson, say, sayFailure } from './print.js';
import type { RunRequest } from './run-options.js';
import type { OutputSink, StandardStreams } from './standard-streams.js';

/** The image that was asked for is not used: never in silence. */
export function sayFellBack(
  stderr: OutputSink,
  runner: CompanionRunner,
  loaded: readonly LoadedBackend[],
): void {
  const absent = loaded.map(whyNotLoaded).filter((reason) => reason !== undefined);
  const why = [runner.selection.reason, ...absent].join('; ');
  say(stderr, `running on this machine (backend ${runner.backend}), without the image: ${why}`);
}

/** A port that is reached under another number than it has inside, where nobody chose that number. */
export function sayPorts(stderr: OutputSink, runner: CompanionRunner, request: RunRequest): void {
  for (const { name, host, port, companionPort, asked } of endpointsOf(runner, request)) {
    if (asked !== undefined || port === companionPort) continue;
    say(
      stderr,
      `port ${name === undefined ? companionPort : `${name} (${companionPort})`} is reached at ${host}:${port}`,
    );
  }
}

function endpointsOf(runner: CompanionRunner, { options }: RunRequest) {
  return (options.ports ?? []).flatMap((port) => {
    if (typeof port === 'number' || port.companionPort === undefined) return [];
    return [{ ...runner.endpoint(port.companionPort), name: port.name, asked: port.hostPort }];
  });
}

/** Says how the command ended; returns the exit code. `left` is why its environment could not be shut down. */
export function reportEnd(
  request: RunRequest,
  streams: StandardStreams,
  runner: CompanionRunner,
  { code, signal, reason, durationMs }: RunResult,
  left: Failure | undefined,
): number {
  const timedOut = reason === 'timed-out';
  const ended = timedOut ? EXIT.timedOut : exitCodeOfStatus({ code, signal });
  const exitCode = left !== undefined && ended === EXIT.success ? EXIT.companion : ended;
  if (request.output === 'json') {
    const { backend, selection } = runner;
    const error =
      left === undefined ? undefined : { code: left.code, message: left.message, hint: left.hint ?? null };
    printJson(streams.stdout, {
      exitCode,
      code,
      signal,
      reason,
      durationMs: Math.round(durationMs * 1000) / 1000,
      backend,
      fellBack: selection.fellBack,
      ...(error === undefined ? {} : { error }),
    });
    return exitCode;
  }
  if (timedOut)
    say(
      streams.stderr,
      `${request.file} did not end within ${(request.timeoutMs ?? 0) / 1000} s and was stopped`,
    );
  if (reason === 'out-of-memory') say(streams.stderr, `${request.file} was ended because memory ran out`);
  if (left !== undefined) sayFailure(streams.stderr, left);
  return exitCode;
}
