import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * With `reuse`: a home that outlives its sandbox, in `~/.cache/companion-bubblewrap`. One sandbox has it at a time, so
 * that nothing inside moves while it is mounted or removed.
 */
export class KeptHome {
  /** Host path. */
  directory;
  /** Whether it was there before. */
  found;
  #parent;
  #lock;

  /** `undefined` while another sandbox has it. */
  static async open(name, fingerprint, shared) {
    const cache = process.env.XDG_CACHE_HOME;
    const root = cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), '.cache');
    const kept = new KeptHome();
    kept.#parent = join(root, 'companion-bubblewrap', `${name}-${fingerprint}`);
    kept.directory = join(kept.#parent, 'home');
    kept.#lock = await lock(kept.#parent);
    if (kept.#lock === undefined) return undefined;
    kept.found = existsSync(kept.directory);
    await mkdir(kept.directory, { recursive: true });
    // What is in it is the caller's own, whatever its mode says to others.
    await chmod(kept.#parent, 0o700);
    await chmod(kept.directory, shared ? 0o777 : 0o755);
    return kept;
  }

  /** After the end of its sandbox. */
  async close({ remove }) {
    if (remove) await rm(this.#parent, { recursive: true, force: true });
    await new Promise((resolve) => this.#lock.close(resolve));
  }
}

/** unix(7): an abstract socket is its owner's alone, and free again when that is gone, however it went. */
function lock(path) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    const name = createHash('sha256').update(path).digest('hex');
    server.listen(`\0companion-bubblewrap-${name}`, () => resolve(server.unref()));
  });
}
