import { accessSync, constants } from 'node:fs';
import { supervisorBinary } from '@companion/supervisor/binary';

/** Path of the supervisor, where it can be executed here. */
export function usableSupervisor(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const path = supervisorBinary();
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    // Of another architecture, inside an archive, or on a disk from which nothing is executed.
    return undefined;
  }
}
