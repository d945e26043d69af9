import { closestName } from './closest-name.js';
import type { Command } from './command.js';
import { CommandLineError, usageError } from './command-line-error.js';
import { EXIT, exitCodeOfError } from './exit-codes.js';
import { failureOf, printJson, sayFailure } from './print.js';
import { flushed, type OutputSink, readerIsGone, type StandardStreams } from './standard-streams.js';
import { version } from './version.js';

// A command is loaded when it is called: `companion --help` loads none.
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./commands/run.js')).runCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  ps: async () => (await import('./commands/ps.js')).psCommand,
  prune: async () => (await import('./commands/prune.js')).pruneCommand,
  conformance: async () => (await import('./commands/conformance.js')).conformanceCommand,
};

const HELP = `Runs tools in interchangeable environments: a container, a Nix shell, or this machine.

Usage: companion <command> [options]

  run [options] -- command …      run a command; its output, its exit code
  doctor                          what this machine can do: which backends work, why not the others
  ps                              environments that exist now
  prune                           remove those that were left behind
  conformance <module>[#export]   prove that a backend keeps the contract

  companion <command> --help      what a command takes
  companion --version

Example: companion run --image node:24 -- node --version
`;

/** Does what the arguments say. Resolves with the exit code, once all output has left; never rejects. */
export async function main(args: readonly string[], streams: StandardStreams): Promise<number> {
  const lost = [watchOutput(streams.stdout), watchOutput(streams.stderr)];
  const exitCode = await dispatch(args, streams).catch((error: unknown) => fail(error, args, streams));
  await Promise.all([flushed(streams.stdout), flushed(streams.stderr)]);
  const failure = lost.map((read) => read()).find((error) => error !== undefined);
  if (failure === undefined || exitCode !== EXIT.success) return exitCode;
  const message = `the output could not be written: ${failure.message}`;
  sayFailure(streams.stderr, new CommandLineError('COMPANION_OUTPUT_FAILED', message));
  await flushed(streams.stderr);
  return EXIT.companion;
}

async function dispatch(args: readonly string[], streams: StandardStreams): Promise<number> {
  const [name, ...others] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    const load = COMMANDS[others[0] ?? ''];
    streams.stdout.write(load === undefined ? HELP : (await load()).help);
    return EXIT.success;
  }
  if (name === '--version') {
    streams.stdout.write(`${version()}\n`);
    return EXIT.success;
  }
  if (name === undefined)
    throw usageError('which command?', `One of ${Object.keys(COMMANDS).join(', ')}; see companion --help.`);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) throw unknownCommand(name);
  const command = await load();
  if (asksFor(others, '--help', '-h')) {
    streams.stdout.write(command.help);
    return EXIT.success;
  }
  return await command.execute(others, streams);
}

function fail(error: unknown, args: readonly string[], streams: StandardStreams): number {
  const { code, message, hint } = failureOf(error);
  if (asksFor(args, '--json')) printJson(streams.stdout, { error: { code, message, hint: hint ?? null } });
  else sayFailure(streams.stderr, { code, message, hint });
  return exitCodeOfError(error);
}

/** Whether one of the options stands there; what is behind `--` belongs to somebody else. */
function asksFor(args: readonly string[], ...options: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).some((argument) => options.includes(argument));
}

function unknownCommand(name: string): Error {
  if (name.startsWith('-')) return usageError(`unknown option ${name}`, 'See companion --help.');
  const names = Object.keys(COMMANDS);
  const meant = closestName(name, names);
  return usageError(
    `unknown command "${name}"`,
    meant === undefined
      ? `Commands are ${names.join(', ')}; to run a program: companion run -- ${name}`
      : `Did you mean companion ${meant}?`,
  );
}

/** Keeps a failed write from ending the process; returns what tells of one that was not the reader's going away. */
function watchOutput(sink: OutputSink): () => Error | undefined {
  let failure: Error | undefined;
  sink.on('error', (error: NodeJS.ErrnoException) => {
    if (!readerIsGone(error, sink)) failure ??= error;
  });
  return () => failure;
}
