import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { NixOptions } from '../src/options.js';
import { makeFlake, SYSTEM, shell, shellFlake } from './engines/flakes.js';
import { onNix } from './engines/on-nix.js';
import { nixCommand } from './nix-command.js';
import { open, openElsewhere, useNix, valueIn, variable } from './open-companions.js';

onNix('a dev shell', (nix) => {
  let options: NixOptions;
  beforeAll(() => {
    options = useNix(nix());
  });

  describe('is evaluated again', () => {
    for (const git of [true, false]) {
      test(`when a file that it imports has changed, and is known when that is taken back (${git ? 'git' : 'no git'})`, async () => {
        await using flake = await makeFlake(
          { 'flake.nix': shellFlake('VALUE = import ./nix/value.nix;'), 'nix/value.nix': '"one"' },
          { git },
        );
        const value = () => valueIn(flake.directory, 'VALUE', options);
        expect(await value()).toBe('one');
        await flake.write({ 'nix/value.nix': '"two"' });
        expect(await value()).toBe('two');
        await flake.write({ 'nix/value.nix': '"one"' });
        await using back = await open(flake.directory, options);
        expect(await variable(back, 'VALUE')).toBe('one');
        expect(back.evaluated).toBe(false);
      });
    }

    test('when the lock file leads to another input', async () => {
      await using input = await makeFlake('{ outputs = { self }: { value = "old"; }; }', { git: true });
      await input.git('commit', '--quiet', '--message', 'old');
      await using flake = await makeFlake(
        `{ inputs.other.url = "git+file://${input.directory}";
           outputs = { self, other }: { devShells.${SYSTEM}.default = ${shell('VALUE = other.value;')}; }; }`,
        { git: true },
      );
      const value = () => valueIn(flake.directory, 'VALUE', options);
      expect(await value()).toBe('old');
      await input.write({ 'flake.nix': '{ outputs = { self }: { value = "new"; }; }' });
      await input.git('commit', '--quiet', '--all', '--message', 'new');
      // Locked, until somebody updates it.
      expect(await value()).toBe('old');
      await nixCommand(nix(), ['flake', 'update'], flake.directory);
      expect(await value()).toBe('new');
    });

    test('for another attribute, and each is kept', async () => {
      await using flake = await makeFlake(
        shellFlake({ default: 'VALUE = "plain";', ci: 'VALUE = "for ci";' }),
      );
      expect(await valueIn(flake.directory, 'VALUE', options)).toBe('plain');
      expect(await valueIn(flake.directory, 'VALUE', { ...options, attribute: 'ci' })).toBe('for ci');
      for (const attribute of [undefined, 'ci', `devShells.${SYSTEM}.ci`]) {
        await using opened = await open(flake.directory, { ...options, attribute });
        expect(await variable(opened, 'VALUE')).toBe(attribute === undefined ? 'plain' : 'for ci');
        expect(opened.evaluated).toBe(attribute?.startsWith('devShells') === true);
      }
    });

    test('and not when a file has changed that it cannot have read', async () => {
      await using flake = await makeFlake(
        { 'flake.nix': shellFlake('VALUE = "here";'), 'src/main.c': 'int main() {}' },
        { git: true },
      );
      expect(await valueIn(flake.directory, 'VALUE', options)).toBe('here');
      await flake.write({ 'src/main.c': 'int main() { return 1; }' });
      await using opened = await open(flake.directory, options);
      expect(opened.evaluated).toBe(false);
    });
  });

  describe('survives', () => {
    /** A shell with a program in the store: collected, it could not be run. */
    const withTool = (name: string) => {
      const tool = `derivation { name = "tool"; system = "${SYSTEM}"; builder = "/bin/bash"; PATH = "/bin:/usr/bin";
        args = [ "-c" "mkdir -p $out/bin; printf '#!/bin/sh\\necho ${name}\\n' > $out/bin/tool; chmod +x $out/bin/tool; :" ]; }`;
      return shellFlake(`PATH = "\${${tool}}/bin";`);
    };

    test('garbage collection, in use and afterwards', async () => {
      await using flake = await makeFlake(withTool('collected not'));
      await using opened = await open(flake.directory, options);
      expect((await opened.runner.run('tool')).stdout).toBe('collected not\n');
      await nixCommand(nix(), ['store', 'gc']);
      expect((await opened.runner.run('tool')).stdout).toBe('collected not\n');
      await using later = await open(flake.directory, options);
      expect(later.evaluated).toBe(false);
      expect((await later.runner.run('tool')).stdout).toBe('collected not\n');
    });

    test('its root being taken away: it is made anew', async () => {
      await using flake = await makeFlake(withTool('made anew'));
      const own = { ...options, cacheDirectory: join(flake.directory, '.cache') };
      await (await open(flake.directory, own)).runner.shutdown();
      for (const slot of await readdir(own.cacheDirectory)) {
        for (const name of await readdir(join(own.cacheDirectory, slot)))
          if (name.includes('-profile')) await rm(join(own.cacheDirectory, slot, name));
      }
      await nixCommand(nix(), ['store', 'gc']);
      await using opened = await open(flake.directory, own);
      expect(opened.evaluated).toBe(true);
      expect((await opened.runner.run('tool')).stdout).toBe('made anew\n');
    });

    test('a damaged cache file', async () => {
      await using flake = await makeFlake(shellFlake('VALUE = "whole";'));
      const own = { ...options, cacheDirectory: join(flake.directory, '.cache') };
      expect(await valueIn(flake.directory, 'VALUE', own)).toBe('whole');
      const [slot] = await readdir(own.cacheDirectory);
      const names = await readdir(join(own.cacheDirectory, String(slot)));
      const file = join(
        own.cacheDirectory,
        String(slot),
        String(names.find((name) => name.endsWith('.json'))),
      );
      await writeFile(file, (await readFile(file, 'utf8')).slice(0, 100));
      expect(await valueIn(flake.directory, 'VALUE', own)).toBe('whole');
    });
  });

  describe('is evaluated by one process at a time', () => {
    test('several that come at once: one evaluates, the others know it then', async () => {
      await using flake = await makeFlake(shellFlake('VALUE = "once";'));
      const programs = Array.from({ length: 4 }, () => openElsewhere(flake.directory, options));
      const said = await Promise.all(
        programs.map(({ stdout }) => text(stdout as NonNullable<typeof stdout>)),
      );
      expect(said.sort()).toEqual(['evaluated\n', 'known\n', 'known\n', 'known\n']);
    });

    test('one that is killed leaves no half shell, nothing that runs, and nobody waiting', async () => {
      await using flake = await makeFlake({
        'flake.nix': shellFlake(
          `VALUE = "whole"; BEFORE = derivation { name = "slow"; system = "${SYSTEM}"; builder = "/bin/bash"; PATH = "/bin:/usr/bin";
             args = [ "-c" (builtins.readFile ./slow.sh) ]; };`,
        ),
        'slow.sh': '',
      });
      const [ready, gate] = [join(flake.directory, 'ready'), join(flake.directory, 'open')];
      await flake.write({
        'slow.sh': `echo $$ > ${ready}; until [ -e ${gate} ]; do sleep 0.05; done; echo > $out; :`,
      });
      const own = { ...options, cacheDirectory: join(flake.directory, '..', `${flake.directory}-cache`) };
      const program = openElsewhere(flake.directory, own);
      await until(async () => (await contentOf(ready)) !== '');
      program.kill('SIGKILL');
      await once(program, 'exit');
      const builder = Number(await contentOf(ready));
      await until(async () => !isAlive(builder));
      await writeFile(gate, '');
      expect(await valueIn(flake.directory, 'VALUE', own)).toBe('whole');
      const [slot] = await readdir(own.cacheDirectory);
      const left = await readdir(join(own.cacheDirectory, String(slot)));
      expect(left.filter((name) => name.endsWith('.json'))).toHaveLength(1);
      const ids = new Set(left.map((name) => name.split(/[-.]/)[0]));
      expect(ids.size).toBe(1);
      await rm(own.cacheDirectory, { recursive: true });
    });

    test('one that is aborted leaves the slot to the next', async () => {
      await using flake = await makeFlake({
        'flake.nix': shellFlake(
          `VALUE = "whole"; BEFORE = derivation { name = "gated"; system = "${SYSTEM}"; builder = "/bin/bash"; PATH = "/bin:/usr/bin";
             args = [ "-c" (builtins.readFile ./slow.sh) ]; };`,
        ),
      });
      const [ready, gate] = [join(flake.directory, 'ready'), join(flake.directory, 'open')];
      await flake.write({
        'slow.sh': `echo $$ > ${ready}; until [ -e ${gate} ]; do sleep 0.05; done; echo > $out; :`,
      });
      const program = openElsewhere(flake.directory, options);
      await until(async () => (await contentOf(ready)) !== '');
      const waiting = valueIn(flake.directory, 'VALUE', options);
      program.kill('SIGTERM');
      await once(program, 'exit');
      await writeFile(gate, '');
      expect(await waiting).toBe('whole');
    });
  });

  describe('when its evaluation fails', () => {
    test('fails, unless the last good one is wanted', async () => {
      await using flake = await makeFlake(shellFlake('VALUE = "good";'));
      expect(await valueIn(flake.directory, 'VALUE', options)).toBe('good');
      await flake.write({ 'flake.nix': '{ outputs = { self }: {' });
      await expect(open(flake.directory, options)).rejects.toMatchObject({ code: 'COMPANION_START_FAILED' });
      await using opened = await open(flake.directory, { ...options, whenEvaluationFails: 'last-good' });
      expect(await variable(opened, 'VALUE')).toBe('good');
      expect(opened.notices).toEqual([expect.stringContaining('the last dev shell that could be evaluated')]);
    });

    test('fails with last-good, too, where there never was a good one', async () => {
      await using flake = await makeFlake('{ outputs = { self }: {');
      await expect(
        open(flake.directory, { ...options, whenEvaluationFails: 'last-good' }),
      ).rejects.toMatchObject({ code: 'COMPANION_START_FAILED' });
    });
  });

  test('is the one before, at once, where a new one is to be evaluated in the background', async () => {
    await using flake = await makeFlake(shellFlake('VALUE = "one";'));
    const background: NixOptions = { ...options, whenChanged: 'background' };
    expect(await valueIn(flake.directory, 'VALUE', background)).toBe('one');
    await flake.write({ 'flake.nix': shellFlake('VALUE = "two";') });
    await using opened = await open(flake.directory, background);
    expect(await variable(opened, 'VALUE')).toBe('one');
    expect(opened.notices).toEqual([expect.stringContaining('has changed')]);
    await until(async () => (await valueIn(flake.directory, 'VALUE', background)) === 'two');
  });

  test('is that of shell.nix, which may read variables', async () => {
    await using project = await makeFlake({
      'shell.nix': shell('VALUE = builtins.getEnv "COMPANION_TEST_VALUE";'),
    });
    const file: NixOptions = { ...options, file: 'shell.nix' };
    process.env.COMPANION_TEST_VALUE = 'one';
    expect(await valueIn(project.directory, 'VALUE', file)).toBe('one');
    process.env.COMPANION_TEST_VALUE = 'two';
    expect(await valueIn(project.directory, 'VALUE', file)).toBe('two');
    delete process.env.COMPANION_TEST_VALUE;
  });

  test('may read variables of a flake only where that is permitted', async () => {
    await using flake = await makeFlake(shellFlake('VALUE = builtins.getEnv "COMPANION_TEST_VALUE";'));
    process.env.COMPANION_TEST_VALUE = 'seen';
    expect(await valueIn(flake.directory, 'VALUE', options)).toBe('');
    expect(await valueIn(flake.directory, 'VALUE', { ...options, impure: true })).toBe('seen');
    delete process.env.COMPANION_TEST_VALUE;
  });

  test('of a directory with any name', async () => {
    await using flake = await makeFlake(shellFlake('VALUE = "found";'));
    for (const name of ['a space', 'a#hash', 'ümlaut', 'a?question', "a'quote", 'a%20percent']) {
      const renamed = `${flake.directory} ${name}`;
      await rename(flake.directory, renamed);
      try {
        expect([name, await valueIn(renamed, 'VALUE', options)]).toEqual([name, 'found']);
      } finally {
        await rename(renamed, flake.directory);
      }
    }
  });

  test('of a git repository at a path that Nix does not read is told, with what to do', async () => {
    await using flake = await makeFlake(shellFlake('VALUE = "found";'), { git: true });
    for (const name of ['a space', 'a#hash']) {
      const renamed = `${flake.directory}-${name}`;
      await rename(flake.directory, renamed);
      try {
        // Newer releases do read it.
        const value = await valueIn(renamed, 'VALUE', options).catch(
          (error: { hint?: string }) => error.hint,
        );
        expect(value).toMatch(/^found$|give the directory a plain name/);
      } finally {
        await rename(renamed, flake.directory);
      }
    }
  });

  test('of another flake, named by a relative path, works in the source directory', async () => {
    await using flake = await makeFlake({
      'tools/flake.nix': shellFlake('VALUE = "from tools"; shellHook = "export WHERE=$PWD";'),
      'project/file': '',
    });
    const project = join(flake.directory, 'project');
    await using opened = await open(project, { ...options, flake: '../tools' });
    expect(await variable(opened, 'VALUE')).toBe('from tools');
    expect(await variable(opened, 'WHERE')).toBe(project);
  });

  test('whose hook is not wanted is entered without it', async () => {
    await using flake = await makeFlake(shellFlake('shellHook = "export VALUE=hooked";'));
    expect(await valueIn(flake.directory, 'VALUE', options)).toBe('hooked');
    expect(await valueIn(flake.directory, 'VALUE', { ...options, shellHook: false })).toBe('');
  });

  test('runs its hook in each init(), and ends what that has started', async () => {
    await using flake = await makeFlake(
      shellFlake(
        'shellHook = "echo run >> log; echo kept > $TMPDIR/file; sleep 1000 & echo $! $TMPDIR > started";',
      ),
    );
    const opened = await open(flake.directory, options);
    const started = async () => {
      const [pid, temporary] = (await contentOf(join(flake.directory, 'started'))).split(' ');
      return { pid: Number(pid), file: join(String(temporary), 'file') };
    };
    const first = await started();
    expect(isAlive(first.pid)).toBe(true);
    expect(await contentOf(first.file)).toBe('kept');
    await opened.runner.stop();
    expect(isAlive(first.pid)).toBe(false);
    expect(existsSync(first.file)).toBe(false);
    await opened.runner.init();
    const second = await started();
    await opened.runner.shutdown();
    expect(isAlive(second.pid)).toBe(false);
    expect(await readFile(join(flake.directory, 'log'), 'utf8')).toBe('run\nrun\n');
  });

  test('leaves no temporary files', async () => {
    await using flake = await makeFlake(
      shellFlake('VALUE = "x"; shellHook = "mktemp -d > /dev/null; true";'),
    );
    const own = join(flake.directory, 'temporary');
    await mkdir(own);
    const before = process.env.TMPDIR;
    process.env.TMPDIR = own;
    try {
      await using opened = await open(flake.directory, { ...options, shellHook: false });
      expect(await variable(opened, 'TMPDIR')).toBe(own);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
    expect(await readdir(own)).toEqual([]);
  });

  test('that nobody has entered for a month is forgotten with its root', async () => {
    await using flake = await makeFlake(shellFlake('VALUE = "old";'));
    const own = { ...options, cacheDirectory: join(flake.directory, '.cache') };
    await valueIn(flake.directory, 'VALUE', own);
    const [slot] = await readdir(own.cacheDirectory);
    const directory = join(own.cacheDirectory, String(slot));
    const before = await readdir(directory);
    const past = new Date(Date.now() - 40 * 24 * 3600 * 1000);
    for (const name of before.filter((one) => one.endsWith('.json')))
      await utimes(join(directory, name), past, past);
    await flake.write({ 'flake.nix': shellFlake('VALUE = "new";') });
    expect(await valueIn(flake.directory, 'VALUE', own)).toBe('new');
    const after = await readdir(directory);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
    expect(after.filter((name) => name.endsWith('.json'))).toHaveLength(1);
  });

  test('says so when its cache cannot be written', async () => {
    await using flake = await makeFlake(shellFlake(''));
    const file = join(flake.directory, 'file');
    await writeFile(file, '');
    await expect(
      open(flake.directory, { ...options, cacheDirectory: join(file, 'cache') }),
    ).rejects.toMatchObject({
      code: 'COMPANION_START_FAILED',
      hint: expect.stringContaining('cacheDirectory'),
    });
    expect((await stat(file)).size).toBe(0);
  });
});

async function contentOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

/** A process that has ended may wait for a long time to be reaped where nobody is a good init. */
function isAlive(pid: number): boolean {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && !stdout.startsWith('Z');
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); await pause(20)) {
    if (Date.now() > end) throw new Error('it has not come true in 30 s');
  }
}
