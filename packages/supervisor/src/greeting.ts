import type { Readable } from 'node:stream';
import { Ability, HEADER_BYTES, MAGIC, PROTOCOL_VERSION, SupervisorFrame } from './protocol.js';

/** What a supervisor says of itself. */
export interface Greeting {
  readonly pid: number;
  readonly reapsOrphans: boolean;
  readonly canSwitchUsers: boolean;
}

const MAGIC_BYTES = Buffer.from(MAGIC, 'latin1');
const VERSION_AT = HEADER_BYTES + MAGIC_BYTES.length;
const PID_AT = VERSION_AT + 4;
const GREETING_BYTES = PID_AT + 8;
/** Of what came instead of a greeting, in a message. */
const SHOWN_CHARACTERS = 200;
/** A shell's complaint comes in pieces, and all of it says more than its first. */
const SHOWN_BYTES = 1024;
const NOISE_MS = 100;

/**
 * Reads the supervisor's `HELLO`; what follows it stays in the stream. Rejects when something else comes (its text is
 * in the message: mostly it is somebody's complaint), when the stream ends or fails first, and when `signal` aborts.
 */
export function readGreeting(stream: Readable, signal?: AbortSignal): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    let come: Buffer = Buffer.alloc(0);
    let noise: NodeJS.Timeout | undefined;
    const settle = (): void => {
      clearTimeout(noise);
      stream.off('readable', read).off('end', onEnd).off('close', onEnd).off('error', onError);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const onEnd = (): void => fail(isNoise(come) ? noiseError(come) : earlyEnd(come));
    const onError = (cause: Error): void => {
      fail(new Error(`the stream failed before the supervisor said anything: ${cause.message}`, { cause }));
    };
    const onAbort = (): void => fail(signal?.reason);
    const read = (): void => {
      for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) {
        come = Buffer.concat([come, chunk]);
      }
      if (isNoise(come)) {
        if (come.length >= SHOWN_BYTES) fail(noiseError(come));
        else noise ??= setTimeout(onEnd, NOISE_MS);
        return;
      }
      // The version comes before whatever another version may have changed.
      if (come.length < VERSION_AT + 2) return;
      const version = come.readUInt16LE(VERSION_AT);
      if (version !== PROTOCOL_VERSION) fail(versionError(version));
      else if (come.length >= GREETING_BYTES) {
        settle();
        if (come.length > GREETING_BYTES) stream.unshift(come.subarray(GREETING_BYTES));
        resolve(greeting(come));
      }
    };
    stream.on('readable', read).on('end', onEnd).on('close', onEnd).on('error', onError);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else if (stream.destroyed || stream.readableEnded) onEnd();
  });
}

function greeting(bytes: Buffer): Greeting {
  const abilities = bytes.readUInt32LE(PID_AT + 4);
  return {
    pid: bytes.readUInt32LE(PID_AT),
    reapsOrphans: (abilities & Ability.REAPS_ORPHANS) !== 0,
    canSwitchUsers: (abilities & Ability.SWITCHES_USERS) !== 0,
  };
}

/** True as soon as the bytes cannot begin a supervisor's greeting, of whatever version. */
function isNoise(come: Buffer): boolean {
  if (come.length > 4 && come[4] !== SupervisorFrame.HELLO) return true;
  const magic = come.subarray(HEADER_BYTES, VERSION_AT);
  return !magic.equals(MAGIC_BYTES.subarray(0, magic.length));
}

function noiseError(come: Buffer): Error {
  return new Error(`the stream does not lead to a supervisor: it said ${escaped(come)}`);
}

function earlyEnd(come: Buffer): Error {
  const what = come.length === 0 ? '' : ` completely: it said ${escaped(come)}`;
  return new Error(`the stream ended before the supervisor had greeted${what}`);
}

function versionError(version: number): Error {
  return new Error(
    `the supervisor speaks version ${version} of its protocol, this program speaks version ${PROTOCOL_VERSION}`,
  );
}

/** Safe in a terminal and in one line. */
function escaped(bytes: Buffer): string {
  const text = bytes.toString('utf8').trimEnd();
  const shown = JSON.stringify(text.slice(0, SHOWN_CHARACTERS)).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\ufffd]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length > SHOWN_CHARACTERS ? `${shown} …` : shown;
}
