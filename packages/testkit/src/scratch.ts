import { mkdirSync } from 'node:fs';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The one place where a suite leaves files. While it is open, `TMPDIR` of this process points into it, so that
 * whatever a backend forgets to remove is found.
 */
export class Scratch {
  readonly directory: string;
  readonly #temporary: string;
  readonly #before: string | undefined;
  #cases = 0;

  private constructor(directory: string) {
    this.directory = directory;
    this.#temporary = join(directory, 'tmp');
    this.#before = process.env.TMPDIR;
    mkdirSync(this.#temporary);
    process.env.TMPDIR = this.#temporary;
  }

  static async open(): Promise<Scratch> {
    // Resolved, so that what a process inside reports is what a case compares it with.
    return new Scratch(await mkdtemp(join(await realpath(tmpdir()), 'companion-conformance-')));
  }

  /** A directory for one case, not made yet. Short: a socket's path has room for about a hundred bytes. */
  next(): string {
    this.#cases += 1;
    return join(this.directory, String(this.#cases));
  }

  /** Removes everything; names what was left, `null` when nothing was. */
  async close(): Promise<string | null> {
    if (process.env.TMPDIR === this.#temporary) this.#restore();
    const [files, temporary] = await Promise.all([readdir(this.directory), readdir(this.#temporary)]);
    const left = [...files.filter((name) => name !== 'tmp'), ...temporary.map((name) => `$TMPDIR/${name}`)];
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
    return left.length === 0 ? null : `files were left: ${left.join(', ')}`;
  }

  #restore(): void {
    if (this.#before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#before;
  }
}
