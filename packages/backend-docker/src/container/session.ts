import type { Duplex } from 'node:stream';
import type { Abortable } from '@companion/core/backend';
import { connectSupervisor, type Supervisor } from '@companion/supervisor';
import { Demultiplexer } from './demultiplexer.js';
import { SOCKET_DIRECTORY } from './mounts.js';

/**
 * Greets the supervisor behind an engine's stream. Where the engine runs on this very kernel the session then moves to a
 * socket, which is several times as fast; the stream stays what keeps the supervisor alive.
 */
export async function openSession(
  stream: Duplex,
  hostDirectory: string | undefined,
  { signal }: Abortable,
): Promise<Supervisor> {
  const output = new Demultiplexer();
  stream.on('error', (error) => output.destroy(error));
  stream.on('close', () => output.end());
  output.on('error', () => stream.destroy());
  output.on('close', () => stream.destroy());
  stream.pipe(output);
  const supervisor = await connectSupervisor({ readable: output, writable: stream }, { signal }).catch(
    (error: unknown) => {
      const complaint = output.complaint.trim();
      throw complaint === '' ? error : new Error(complaint, { cause: error });
    },
  );
  supervisor.keepAlive();
  if (hostDirectory !== undefined) {
    await supervisor.moveToSocket({ hostDirectory, companionDirectory: SOCKET_DIRECTORY });
  }
  return supervisor;
}
