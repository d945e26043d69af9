import { startCompanion } from '@companion/core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { nixBackend } from '../src/backend.js';
import type { NixOptions } from '../src/options.js';
import { makeFlake, SYSTEM, shell, shellFlake } from './engines/flakes.js';
import { onNix } from './engines/on-nix.js';
import { nixCommand } from './nix-command.js';
import { open, useNix, variable } from './open-companions.js';

onNix('a dev shell is what Nix would give now', (nix) => {
  let options: NixOptions;
  beforeAll(() => {
    options = useNix(nix());
  });

  const value = async (sourceDir: string, more: NixOptions): Promise<string> => {
    await using opened = await open(sourceDir, { ...options, ...more });
    return await variable(opened, 'VALUE');
  };
  const isKnown = async (sourceDir: string, more: NixOptions): Promise<boolean> => {
    await using opened = await open(sourceDir, { ...options, ...more });
    return !opened.evaluated;
  };

  describe('for a flake that is named', () => {
    test('as a branch of a repository of this machine', async () => {
      await using flake = await makeFlake(shellFlake('VALUE = "old";'), { git: true });
      await flake.git('commit', '--quiet', '--message', 'old');
      await flake.git('branch', 'wanted');
      const named = { flake: `git+file://${flake.directory}?ref=wanted` };
      expect(await value(flake.directory, named)).toBe('old');
      await flake.write({ 'flake.nix': shellFlake('VALUE = "new";') });
      await flake.git('commit', '--quiet', '--all', '--message', 'new');
      await flake.git('branch', '--force', 'wanted');
      expect(await value(flake.directory, named)).toBe('new');
    });

    test('by a name that a registry has', async () => {
      await using project = await makeFlake({ 'README.md': '' });
      await using one = await makeFlake(shellFlake('VALUE = "one";'));
      await using two = await makeFlake(shellFlake('VALUE = "two";'));
      await nixCommand(nix(), ['registry', 'add', 'tools', `path:${one.directory}`], project.directory);
      expect(await value(project.directory, { flake: 'tools' })).toBe('one');
      await one.write({ 'flake.nix': shellFlake('VALUE = "changed";') });
      expect(await value(project.directory, { flake: 'tools' })).toBe('changed');
      await nixCommand(nix(), ['registry', 'add', 'tools', `path:${two.directory}`], project.directory);
      expect(await value(project.directory, { flake: 'tools' })).toBe('two');
    });

    test('by its revision, as long as the settings are the same', async () => {
      await using flake = await makeFlake(shellFlake('VALUE = "one";'), { git: true });
      await flake.git('commit', '--quiet', '--message', 'one');
      const revision = (await flake.git('rev-parse', 'HEAD')).trim();
      const named = { flake: `git+file://${flake.directory}?rev=${revision}` };
      expect(await value(flake.directory, named)).toBe('one');
      expect(await isKnown(flake.directory, named)).toBe(true);
      process.env.NIX_CONFIG = 'max-jobs = 1';
      const known = await isKnown(flake.directory, named);
      process.env.NIX_CONFIG = '';
      expect(known).toBe(false);
    });
  });

  test('also for a program that runs in the hook of another repository', async () => {
    await using other = await makeFlake({ 'README.md': '' }, { git: true });
    await using flake = await makeFlake(shellFlake('VALUE = "one";'), { git: true });
    vi.stubEnv('GIT_DIR', `${other.directory}/.git`);
    try {
      expect(await value(flake.directory, {})).toBe('one');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('and what it is called is told without passwords', async () => {
    await using project = await makeFlake({ 'README.md': '' });
    const events: string[] = [];
    const started = startCompanion({
      sourceDir: project.directory,
      backends: [nixBackend],
      backendOptions: { nix: { ...options, flake: 'git+https://me:hunter2@127.0.0.1:1/x' } },
      onEvent: (event) => events.push(JSON.stringify(event)),
    });
    await expect(started).rejects.toThrow(/^(?!.*hunter2)/s);
    expect(events.join()).toContain('evaluating the dev shell of git+https://***@127.0.0.1:1/x');
    expect(events.join()).not.toContain('hunter2');
  });

  describe('with arguments', () => {
    test('that let the evaluation read variables', async () => {
      await using flake = await makeFlake(shellFlake('VALUE = builtins.getEnv "VALIDITY_TEST";'));
      const more = { args: ['--impure'] };
      process.env.VALIDITY_TEST = 'one';
      expect(await value(flake.directory, more)).toBe('one');
      expect(await isKnown(flake.directory, more)).toBe(true);
      process.env.VALIDITY_TEST = 'two';
      expect(await value(flake.directory, more)).toBe('two');
    });

    test('that say where to search', async () => {
      await using project = await makeFlake({
        'shell.nix': shell('VALUE = import <searched>;'),
        'there/searched': '"one"',
      });
      const more = { file: 'shell.nix', args: ['-I', `${project.directory}/there`] };
      expect(await value(project.directory, more)).toBe('one');
      await project.write({ 'there/searched': '"two"' });
      expect(await value(project.directory, more)).toBe('two');
    });

    test('that put a branch in the place of an input', async () => {
      await using input = await makeFlake('{ outputs = _: { value = "old"; }; }', { git: true });
      await input.git('commit', '--quiet', '--message', 'old');
      await input.git('branch', 'wanted');
      await using flake = await makeFlake(
        `{ inputs.other.url = "path:${input.directory}";
           outputs = { self, other }: { devShells.${SYSTEM}.default = ${shell('VALUE = other.value;')}; }; }`,
      );
      const more = { args: ['--override-input', 'other', `git+file://${input.directory}?ref=wanted`] };
      expect(await value(flake.directory, more)).toBe('old');
      await input.git('checkout', '--quiet', 'wanted');
      await input.write({ 'flake.nix': '{ outputs = _: { value = "new"; }; }' });
      await input.git('commit', '--quiet', '--all', '--message', 'new');
      await input.git('checkout', '--quiet', '-');
      expect(await value(flake.directory, more)).toBe('new');
    });
  });
});
