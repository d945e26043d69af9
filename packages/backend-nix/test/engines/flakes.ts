import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** As Nix names this machine. */
export const SYSTEM = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-${process.platform}`;

/** A directory with a `flake.nix` of its own. */
export interface TestFlake {
  readonly directory: string;
  /** Writes files, in git without adding them. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Runs git in the directory; standard output. */
  git(...args: string[]): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * `flake` is the text of `flake.nix`, or all files by their paths. With `git`, the directory is a repository in which all
 * of them are tracked, and none committed.
 */
export async function makeFlake(
  flake: string | Readonly<Record<string, string>>,
  { git = false }: { readonly git?: boolean } = {},
): Promise<TestFlake> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'companion-flake-')));
  const made: TestFlake = {
    directory,
    async write(files) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await writeFile(join(directory, path), content);
      }
    },
    async git(...args) {
      // Not the settings of who runs the tests.
      const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
      const author = ['-c', 'user.name=tests', '-c', 'user.email=tests@example.invalid'];
      return (await promisify(execFile)('git', [...author, ...args], { cwd: directory, env })).stdout;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
  await made.write(typeof flake === 'string' ? { 'flake.nix': flake } : flake);
  if (git) {
    await made.git('init', '--quiet');
    await made.git('add', '--all');
  }
  return made;
}

/**
 * The text of a `flake.nix` without nixpkgs whose shells are plain derivations: by name, further attributes in Nix's
 * language (`shellHook = "…"; FOO = "bar";`). A string is the one shell `default`.
 */
export function shellFlake(shells: string | Readonly<Record<string, string>>): string {
  const all = Object.entries(typeof shells === 'string' ? { default: shells } : shells);
  const texts = all.map(([name, attributes]) => `    devShells.${SYSTEM}.${name} = ${shell(attributes)};\n`);
  return `{\n  outputs = { self }: {\n${texts.join('')}  };\n}\n`;
}

/** One such shell: a derivation as an expression. */
export function shell(attributes: string): string {
  const basic = `name = "shell"; system = "${SYSTEM}"; builder = "/bin/bash"; args = [ "-c" "echo built > $out" ]`;
  // What asks for the environment fills all of `outputs`.
  return `derivation ({ ${basic}; outputs = [ "out" ]; } // { ${attributes} })`;
}
