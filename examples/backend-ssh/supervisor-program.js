import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { supervisorBinary } from '@companion/supervisor';

/** What uname(1) says, as in `process.arch`. */
const ARCHITECTURES = { x86_64: 'x64', aarch64: 'arm64' };

/** The supervisor for a machine of which uname(1) says that; throws where there is none. */
export function supervisorFor(machine) {
  const path = supervisorBinary(ARCHITECTURES[machine] ?? machine);
  const bytes = readFileSync(path);
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
}
