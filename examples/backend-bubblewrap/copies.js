import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { NAMESPACES, programOptions, toolEnvironment } from './sandbox-options.js';

/**
 * Copies between this machine and a sandbox. What runs inside is not believed: it may hand out any archive, and put
 * links where files are to go.
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
      const script = 'mkdir -p -- "$1" && exec tar -C "$1" --no-same-owner -xf -';
      const extraction = await this.#start('sh', ['-c', script, 'sh', companionPath], 'pipe');
      extraction.stdout.resume();
      // Nothing is awaited until its output is read: at the end of a process Node lets unread output go.
      const archive = tar(['-C', hostPath, '-cf', '-', '.']);
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
    const [from, what] = isDirectory
      ? [companionPath, '.']
      : [posix.dirname(companionPath), `./${posix.basename(companionPath)}`];
    const made = await mkdir(dirname(hostPath), { recursive: true });
    const arrived = await mkdtemp(join(dirname(hostPath), '.copy-'));
    try {
      const archive = await this.#start('tar', ['-C', from, '-cf', '-', what], 'ignore');
      await Promise.all([extract(archive.stdout, arrived), succeeds(archive)]);
      await move(isDirectory ? arrived : join(arrived, posix.basename(companionPath)), hostPath);
    } catch (error) {
      if (made !== undefined) await rm(made, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(arrived, { recursive: true, force: true });
    }
  }
}

/** In a sandbox of its own, which has nothing but this directory: no archive leads out of it, or makes a device. */
function extract(archive, directory) {
  const options = [...NAMESPACES, '--die-with-parent', '--cap-drop', 'ALL', ...programOptions()];
  const place = ['--proc', '/proc', '--dev', '/dev', '--bind', directory, '/copy', '--chdir', '/copy'];
  const extraction = run('bwrap', [...options, ...place, '--', 'tar', '--no-same-owner', '-xf', '-'], 'pipe');
  return Promise.all([feed(extraction, archive), extraction.done]);
}

/** Directories are merged, and everything else replaced: nothing is written through a link that is there. */
async function move(from, to) {
  const there = await lstat(to).catch(() => undefined);
  const moved = await lstat(from);
  if (moved.isDirectory() && there?.isDirectory()) {
    for (const name of await readdir(from)) await move(join(from, name), join(to, name));
    return;
  }
  // Whose rights a file of this machine gives away is not for a sandbox to say.
  const mode = moved.mode & 0o777;
  if (moved.isDirectory()) {
    await chmod(from, 0o700);
    if (there !== undefined) await rm(to);
    await mkdir(to);
    await move(from, to);
    await chmod(to, mode);
    return;
  }
  if (moved.isFile()) await chmod(from, mode);
  await rename(from, to);
}

const tar = (args) => run('tar', args, 'ignore');

/** A tool of this machine; `done` rejects when it fails, with what it said. */
function run(file, args, stdin) {
  const child = spawn(file, args, { env: toolEnvironment, stdio: [stdin, 'pipe', 'pipe'] });
  const done = new Promise((resolve, reject) => {
    let complaint = '';
    child.once('error', reject);
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(-4096);
    });
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${file}: ${complaint.trim()}`)),
    );
  });
  done.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, done };
}

/** A program that has read what it wants may end before its input does: its exit code tells whether that was all. */
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
