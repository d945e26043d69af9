import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HostProcesses } from '@companion/backend-local/spawn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DevEnv, outputsOf, parseDevEnv } from '../../src/shell/dev-env.js';
import { enterShell } from '../../src/shell/enter-shell.js';
import { makeFlake, shellFlake, type TestFlake } from '../engines/flakes.js';
import { onNix } from '../engines/on-nix.js';
import { FLAKE, SHELLS } from './shells.js';

type Variables = Readonly<Record<string, string>>;

interface Compared {
  readonly nix: Map<string, string>;
  readonly base: Variables;
  readonly shell: DevEnv;
  readonly hasHook: boolean;
}

/** All that is not as `nix develop --command env` has it, and why. Each makes Nix's environment into the one wanted. */
const DIFFERENCES: Readonly<Record<string, (compared: Compared) => void>> = {
  'temporary directories are for the build, and Nix leaves them behind: the host keeps its own': ({
    nix,
    base,
  }) => {
    const build = nix.get('NIX_BUILD_TOP');
    for (const name of ['TMP', 'TMPDIR', 'TEMP', 'TEMPDIR', 'NIX_BUILD_TOP'])
      if (!nix.has(name) || nix.get(name) === build) restore(nix, base, name);
  },
  'outputs are for the build: they stay only where the hook gives them another value': ({
    nix,
    base,
    shell,
  }) => {
    for (const name of outputsOf(shell).keys())
      if (nix.get(name)?.endsWith(`/outputs/${name}`) === true) restore(nix, base, name);
  },
  "place and nesting are those of the shell's own process": ({ nix, base }) => {
    for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) restore(nix, base, name);
  },
  'the profile keeps the shell from being collected, not a variable of a process': ({ nix, base }) => {
    restore(nix, base, 'NIX_GCROOT');
  },
  'an empty PATH of the host adds no empty entry, as in Nix from 2.9 on: that would be the current directory':
    ({ nix, base }) => {
      if (base.PATH === '' && nix.get('PATH')?.endsWith(':') === true)
        nix.set('PATH', nix.get('PATH')?.slice(0, -1) ?? '');
    },
  "without a hook there is no bash, whose built-in PATH would come after the shell's where the host has none":
    ({ nix, base, shell, hasHook }) => {
      const path = shell.variables.PATH?.value;
      if (!hasHook && base.PATH === undefined && typeof path === 'string') nix.set('PATH', path);
    },
  'SHELL is that bash also where the host has no SHELL, as in newer Nix': ({ nix, base, shell }) => {
    const value = shell.variables.SHELL?.value;
    if (base.SHELL === undefined && !nix.has('SHELL') && typeof value === 'string') nix.set('SHELL', value);
  },
  "XDG_DATA_DIRS of the host comes after the shell's, as in Nix from 2.9 on; an older one drops it": ({
    nix,
    base,
    shell,
  }) => {
    const host = base.XDG_DATA_DIRS;
    const value = shell.variables.XDG_DATA_DIRS?.value;
    if (host === undefined || value === undefined) return;
    nix.set('XDG_DATA_DIRS', `${value}:${host}`);
    if (nix.get('SEEN') === value) nix.set('SEEN', host.slice(host.lastIndexOf(':') + 1));
  },
};

const { env: own } = process;

/** What the host has. */
const BASES: Readonly<Record<string, (nix: Variables) => Variables>> = {
  "a user's environment": (nix) => ({
    ...nix,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    TZ: 'Europe/Prague',
    SSL_CERT_FILE: '/host/cert.pem',
    SHELL: '/usr/bin/zsh',
    PWD: '/host/directory',
    OLDPWD: '/',
    SHLVL: '3',
    _: '/usr/bin/host',
    out: "the host's",
    lib: '/host/lib',
    SHARED: 'host',
    GREETING: 'host',
    builder: 'host',
    list: 'host',
    setupList: 'host',
    SHARED_LIST: 'host',
    NOT_EXPORTED: 'host',
    XDG_DATA_DIRS: '/host/share:/usr/share',
    shellHook: 'exit 9',
    NIX_BUILD_TOP: '/host/build',
    NIX_GCROOT: '/host/root',
    LINES_OF_TEXT: 'one\ntwo\n',
    QUOTES: `'"\`$(exit 3)\\`,
    'not.a-name': 'host',
    'BASH_FUNC_hostFunction%%': '() {  echo host\n}',
    UNICODE: '日本 🎉',
    EMPTY: '',
  }),
  'a bare environment': (nix) => nix,
};
const PATHS: Readonly<Record<string, (nix: Variables) => Variables>> = {
  'an environment without PATH': ({ PATH, ...nix }) => nix,
  'an empty PATH': (nix) => ({ ...nix, PATH: '' }),
};

onNix('the environment in a shell is that of `nix develop`', (nix) => {
  let flake: TestFlake;
  let scratch: string;
  beforeAll(async () => {
    flake = await makeFlake(FLAKE);
    scratch = await mkdtemp(join(tmpdir(), 'companion-differential-'));
  });
  afterAll(async () => {
    await flake[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  });

  const run = (args: readonly string[], env: Variables) =>
    promisify(execFile)(nix().program, args, { cwd: flake.directory, env, maxBuffer: 2 ** 26 });

  async function compare(installable: readonly string[], base: Variables): Promise<void> {
    const { stdout } = await run(['print-dev-env', '--json', ...installable], {
      ...nix().env,
      PATH: own.PATH ?? '',
    });
    const shell = parseDevEnv(stdout);
    const processes = new HostProcesses();
    try {
      const lines: string[] = [];
      const entrance = { hostEnv: base, cwd: flake.directory, files: join(scratch, 'files'), processes };
      const env = await enterShell(shell, {
        ...entrance,
        runHook: true,
        timeoutMs: 30_000,
        onOutput: (line) => lines.push(line),
      });
      const expected = await developed(installable, base, shell);
      expect(env).toEqual(expected);
    } finally {
      await processes.endAll();
    }
  }

  /** What a command is given, by way of a copy: hooks print to standard output. */
  async function developed(
    installable: readonly string[],
    base: Variables,
    shell: DevEnv,
  ): Promise<Variables> {
    const copy = join(scratch, 'environ');
    await rm(copy, { force: true });
    // Nobody is there to type.
    const started = run(
      ['develop', ...installable, '--command', '/bin/cp', '/proc/self/environ', copy],
      base,
    );
    started.child.stdin?.end();
    await started;
    const entries = (await readFile(copy, 'utf8')).split('\0').filter((entry) => entry !== '');
    const env = new Map(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
    const hasHook = 'shellHook' in shell.variables;
    for (const apply of Object.values(DIFFERENCES)) apply({ nix: env, base, shell, hasHook });
    return Object.fromEntries(env);
  }

  describe.each(Object.keys(BASES))('over %s', (over) => {
    test.each(Object.keys(SHELLS))('%s', async (name) => {
      await compare([`.#${name}`], BASES[over]!(nix().env));
    });
  });

  describe.each(Object.keys(PATHS))('over %s', (over) => {
    test.each(['plain', 'path', 'exports', 'relative-path', 'unsets-path', 'setup'])('%s', async (name) => {
      await compare([`.#${name}`], PATHS[over]!(nix().env));
    });
  });

  test('a hook that exits ends both', async () => {
    await using exits = await makeFlake(shellFlake('shellHook = "exit 3";'));
    const env = nix().env;
    const started = promisify(execFile)(nix().program, ['develop', exits.directory, '--command', 'true'], {
      env,
    });
    await expect(started).rejects.toMatchObject({ code: 3 });
    const shell = parseDevEnv((await run(['print-dev-env', '--json', exits.directory], env)).stdout);
    const processes = new HostProcesses();
    const entrance = { hostEnv: env, cwd: exits.directory, files: scratch, processes, runHook: true };
    await expect(enterShell(shell, { ...entrance, timeoutMs: 30_000 })).rejects.toThrow('code 3');
    await processes.endAll();
  });

  test.each(Object.keys(BASES))('the shell of a file, over %s', async (over) => {
    await compare(['--file', 'shell.nix'], BASES[over]!(nix().env));
    await compare(['--impure', '--expr', 'import ./shell.nix { }'], BASES[over]!(nix().env));
  });
});

function restore(env: Map<string, string>, base: Variables, name: string): void {
  const value = base[name];
  if (value === undefined) env.delete(name);
  else env.set(name, value);
}
