import { fileURLToPath } from 'node:url';

const ARCHITECTURES = ['x64', 'arm64'];

/**
 * Path of the supervisor for Linux on that architecture (as in `process.arch`; default: this machine's). Throws where
 * there is none.
 */
export function supervisorBinary(arch: string = process.arch): string {
  if (!ARCHITECTURES.includes(arch)) {
    throw new Error(`there is no supervisor for ${arch}, only for ${ARCHITECTURES.join(' and ')}`);
  }
  return fileURLToPath(new URL(`../prebuilt/linux-${arch}/companion-supervisor`, import.meta.url));
}
