import type { CompanionRunner } from '../companion-runner.js';
import { CommandFailedError, CompanionError, type CompanionErrorCode } from '../errors.js';
import type { VersionAnswer } from '../parity.js';
import { describeStatus } from '../process/describe.js';
import type { CheckedProbe, CheckedSettings } from './probes.js';

/** More than any tool says of itself. */
const MAX_OUTPUT_BYTES = 1_000_000;

/** What a probe may end with; everything else is the environment's affair. */
const OF_THE_PROBE: readonly CompanionErrorCode[] = [
  'COMPANION_COMMAND_NOT_FOUND',
  'COMPANION_COMMAND_NOT_EXECUTABLE',
  'COMPANION_COMMAND_FAILED',
  'COMPANION_START_FAILED',
  'COMPANION_TIMED_OUT',
  'COMPANION_OUTPUT_TOO_LARGE',
];

/** Runs one probe. Rejects when the environment cannot be asked any more, or `signal` aborts. */
export async function answerOf(
  runner: CompanionRunner,
  { file, args, pattern }: CheckedProbe,
  { signal, timeoutMs }: Pick<CheckedSettings, 'signal' | 'timeoutMs'>,
): Promise<VersionAnswer> {
  try {
    const { stdout, stderr } = await runner.run(file, args, {
      // A language that one environment has and another has not is no difference of the tool.
      env: { LC_ALL: 'C' },
      maxOutputBytes: MAX_OUTPUT_BYTES,
      killGraceMs: 0,
      signal,
      timeoutMs,
    });
    return versionIn(stdout.trim() === '' ? stderr : stdout, pattern);
  } catch (error) {
    if (!CompanionError.is(error) || !OF_THE_PROBE.includes(error.code)) throw error;
    return { version: undefined, reason: reasonOf(error, timeoutMs), error };
  }
}

function versionIn(text: string, pattern: RegExp | undefined): VersionAnswer {
  const output = text.replace(/\r\n/g, '\n').trim();
  const none = (reason: string): VersionAnswer => ({ version: undefined, reason, error: undefined });
  if (output === '') return none('said nothing');
  if (pattern === undefined) return { version: output, output };
  const match = pattern.exec(output);
  if (match === null) return none(`nothing like ${pattern} in what it said`);
  return { version: match[1] ?? match[0], output };
}

function reasonOf(error: CompanionError, timeoutMs: number): string {
  if (error.code === 'COMPANION_COMMAND_NOT_FOUND') return 'not found';
  if (error.code === 'COMPANION_TIMED_OUT') return `did not end within ${timeoutMs} ms`;
  if (error.code !== 'COMPANION_COMMAND_FAILED' || !(error instanceof CommandFailedError))
    return error.message;
  const { code, signal, stdout, stderr } = error.result;
  const status = signal === null ? { code: code ?? Number.NaN, signal } : { code: null, signal };
  const line = `${stderr}\n${stdout}`.split('\n').find((one) => one.trim() !== '');
  return `${describeStatus(status)}${line === undefined ? '' : `: ${line.trim()}`}`;
}
