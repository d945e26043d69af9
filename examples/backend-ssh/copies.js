import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** tar(1) says with code 1 that a file was changed while it was read, or is gone: mostly a log. */
const CHANGED = /(: file changed as we read it|: File removed before we read it|: socket ignored)$/;

/**
 * Copies between this machine and an environment. The other side is not believed: it may send any archive.
 */
export class Copies {
  #start;

  /** @param {(file: string, args: string[], stdin: 'pipe' | 'ignore') => Promise<import('@companion/core/backend').BackendProcess>} start Starts a process inside. */
  constructor(start) {
    this.#start = start;
  }

  async copyIn(hostPath, companionPath) {
    const found = await stat(hostPath);
    if (found.isDirectory()) {
      const script = 'mkdir -p -- "$1" && exec tar -C "$1" -o -p -xf -';
      const extraction = await this.#start('sh', ['-c', script, 'sh', companionPath], 'pipe');
      extraction.stdout.resume();
      // Not before: Node throws away what nobody reads of a child that has ended.
      const archive = tar(['-C', hostPath, '-cf', '-', '.'], 'ignore');
      await Promise.all([feed(extraction, archive.stdout), succeeds(extraction), archive.done]);
      return;
    }
    const script = 'mkdir -p -- "$1" && rm -f -- "$2" && cat > "$2" && chmod "$3" "$2"';
    const mode = (found.mode & 0o777).toString(8);
    const args = ['-c', script, 'sh', posix.dirname(companionPath), companionPath, mode];
    const copy = await this.#start('sh', args, 'pipe');
    copy.stdout.resume();
    await Promise.all([feed(copy, createReadStream(hostPath)), succeeds(copy)]);
  }

  async copyOut(companionPath, hostPath) {
    const test = await this.#start('test', ['-d', companionPath], 'ignore');
    test.stdout.resume();
    test.stderr.resume();
    const isDirectory = (await test.exited).code === 0;
    const name = posix.basename(companionPath);
    const [from, what] = isDirectory ? [companionPath, '.'] : [posix.dirname(companionPath), `./${name}`];
    const made = await mkdir(dirname(hostPath), { recursive: true });
    const arrived = await mkdtemp(join(dirname(hostPath), '.copy-'));
    try {
      const archive = await this.#start('tar', ['-C', from, '-cf', '-', what], 'ignore');
      // Apart from everything else: tar(1) leads no member, and no link that it makes, out of this directory.
      const extraction = tar(['-C', arrived, '-o', '-p', '-xf', '-'], 'pipe');
      await Promise.all([feed(extraction, archive.stdout), extraction.done, succeeds(archive)]);
      await move(isDirectory ? arrived : join(arrived, name), hostPath);
    } catch (error) {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(arrived, { recursive: true, force: true });
    }
  }

  /** What was copied there is read-only by its modes: who owns a file can change that, and here only the copy's. */
  async protect(companionPath) {
    await this.#run('chmod', ['-R', 'a-w', companionPath]);
  }

  async give(companionPath, { uid, gid }) {
    await this.#run('chown', ['-R', '-h', `${uid}:${gid}`, companionPath]);
  }

  /** Takes away what was protected. */
  async remove(companionPath) {
    const script = '[ -e "$1" ] || exit 0; chmod -R u+w "$1" && rm -rf "$1"';
    await this.#run('sh', ['-c', script, 'sh', companionPath]);
  }

  async #run(file, args) {
    const running = await this.#start(file, args, 'ignore');
    running.stdout.resume();
    await succeeds(running);
  }
}

/** Directories are merged, and everything else replaced: nothing is written through a link that is there. */
async function move(from, to) {
  const there = await lstat(to).catch(() => undefined);
  const moved = await lstat(from);
  // Whose rights a file of this machine gives away is not for another to say.
  const mode = moved.mode & 0o777;
  if (moved.isDirectory()) {
    await chmod(from, 0o700);
    const isNew = !there?.isDirectory();
    if (isNew) {
      if (there !== undefined) await rm(to);
      await mkdir(to);
    }
    for (const name of await readdir(from)) await move(join(from, name), join(to, name));
    if (isNew) await chmod(to, mode);
    return;
  }
  if (moved.isFile()) await chmod(from, mode);
  else if (!moved.isSymbolicLink()) throw new Error(`only files, directories and links are copied: ${to}`);
  await rename(from, to);
}

/** tar(1) of this machine; `done` rejects when it fails, with what it said. */
function tar(args, stdin) {
  // GNU's would take options from a variable, and that of macOS adds files of its own.
  const { TAR_OPTIONS, ...env } = process.env;
  const child = spawn('tar', args, {
    env: { ...env, LC_ALL: 'C', COPYFILE_DISABLE: '1' },
    stdio: [stdin, 'pipe', 'pipe'],
  });
  const done = new Promise((resolve, reject) => {
    let complaint = '';
    child.once('error', reject);
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(-4096);
    });
    child.once('close', (code) => {
      const lines = complaint.trim().split('\n');
      if (code === 0 || (code === 1 && lines.every((line) => CHANGED.test(line)))) resolve();
      else reject(new Error(`tar: ${complaint.trim() || `it ended with ${code}`}`));
    });
  });
  done.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, done };
}

/** A process that ends while the last of its input is under way has had enough: its verdict says what that means. */
async function feed(process, source) {
  await pipeline(source, process.stdin).catch((error) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
}

/** @param {import('@companion/core/backend').BackendProcess} process */
async function succeeds(process) {
  let complaint = '';
  process.stderr.setEncoding('utf8').on('data', (text) => {
    complaint = (complaint + text).slice(-4096);
  });
  const { code } = await process.exited;
  if (code !== 0) throw new Error(complaint.trim() || 'the copy was interrupted');
}
