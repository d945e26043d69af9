// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import { chmod, mkdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Source, Watch } from '../../src/source/watch.js';
import { record, renewedWatch, unchanged } from '../../src/source/watch.js';
import { makeFlake, type TestFlake } from '../engines/flakes.js';

const env = (tree: TestFlake, more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: join(tree.directory, 'home'),
  NIX_CONF_DIR: join(tree.directory, 'conf'),
  ...more,
});
const flakeOf = (tree: TestFlake, more: Partial<Source> = {}): Source => ({
  kind: 'flake',
  directory: tree.directory,
  file: join(tree.directory, 'flake.nix'),
  impure: false,
  env: env(tree),
  ...more,
});
const shellOf = (tree: TestFlake, more: Partial<Source> = {}): Source =>
  flakeOf(tree, { kind: 'file', file: join(tree.directory, 'shell.nix'), ...more });
const outputs = (text: string): string => `{ outputs = { self }: { a = ${text}; }; }`;

/** As the caches keep it. */
const kept = async (source: Source): Promise<Watch> => JSON.parse(JSON.stringify(await record(source)));

/** A watch whose signatures count, as they do from a second on: the files are made to look older. */
async function aged(tree: TestFlake, source: Source): Promise<Watch> {
  const until = Date.now() + 1100;
  let watch = await kept(source);
  for (let now = Date.now(); now < until; now = Date.now()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  watch = JSON.parse(JSON.stringify((await renewedWatch(watch, source)) ?? watch));
  expect(watch.named[join(tree.directory, source.kind === 'file' ? 'shell.nix' : 'flake.nix')]?.[1]).not.toBe(
    '',
  );
  return watch;
}

describe('files', () => {
  test('content decides, not time', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('import ./a.nix'), 'a.nix': '1' });
    const source = flakeOf(tree);
    const watch = await aged(tree, source);
    expect(await renewedWatch(watch, source)).toBe(watch);
    await tree.write({ 'a.nix': '2' });
    expect(await unchanged(watch, source)).toBe(false);
    await tree.write({ 'a.nix': '1' });
    expect(await unchanged(watch, source)).toBe(true);
    const fresh = await renewedWatch(watch, source);
    expect(fresh).not.toBe(watch);
    expect(fresh && (await unchanged(fresh, source))).toBe(true);
  });

  test('a change of the same size, in the same moment and with the same time shows', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('import ./a.nix'), 'a.nix': '1' });
    const at = join(tree.directory, 'a.nix');
    for (let round = 0; round < 50; round += 1) {
      const before = await stat(at);
      const watch = await kept(flakeOf(tree));
      await writeFile(at, String(round % 10 === 1 ? 'x' : (round + 2) % 10));
      await utimes(at, before.atime, before.mtime);
      expect(await unchanged(watch, flakeOf(tree))).toBe(false);
    }
  });

  test('a file that is replaced by one of the same size and time shows', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('import ./a.nix'), 'a.nix': '1', other: '2' });
    const source = flakeOf(tree);
    const watch = await aged(tree, source);
    const at = join(tree.directory, 'a.nix');
    const { atime, mtime } = await stat(at);
    await utimes(join(tree.directory, 'other'), atime, mtime);
    await rename(join(tree.directory, 'other'), at);
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('being a program, a link, a directory or absent is content', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('"${./a}"'), a: '1', b: '1' });
    const source = flakeOf(tree);
    const watch = await kept(source);
    const at = join(tree.directory, 'a');
    await chmod(at, 0o755);
    expect(await unchanged(watch, source)).toBe(false);
    await chmod(at, 0o644);
    expect(await unchanged(watch, source)).toBe(true);
    await rm(at);
    expect(await unchanged(watch, source)).toBe(false);
    await symlink('b', at);
    expect(await unchanged(watch, source)).toBe(false);
    await rm(at);
    await mkdir(at);
    expect(await unchanged(watch, source)).toBe(false);
    await rm(at, { recursive: true });
    await writeFile(at, '1');
    expect(await unchanged(watch, source)).toBe(true);
  });

  test('another file, another kind of evaluation or another format is another thing', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('1'), 'shell.nix': '1' });
    const source = flakeOf(tree);
    const watch = await kept(source);
    expect(await unchanged(watch, shellOf(tree))).toBe(false);
    expect(await unchanged(watch, { ...source, impure: true })).toBe(false);
    expect(await unchanged(watch, { ...source, everyFile: true })).toBe(false);
    expect(await unchanged(watch, { ...source, references: ['/x'] })).toBe(false);
    expect(await unchanged({ ...watch, format: 2 as 1 }, source)).toBe(false);
  });

  test('becoming a repository is a change, also further up', async () => {
    await using tree = await makeFlake({ 'deep/flake.nix': outputs('1') });
    const source = flakeOf(tree, {
      directory: join(tree.directory, 'deep'),
      file: join(tree.directory, 'deep/flake.nix'),
    });
    const watch = await kept(source);
    await tree.git('init', '--quiet');
    expect(await unchanged(watch, source)).toBe(false);
  });
});

describe('repositories', () => {
  test('a file is there when it is tracked, intended or not', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('builtins.pathExists ./a') }, { git: true });
    const source = flakeOf(tree);
    const watch = await kept(source);
    await tree.write({ a: '1', b: '1' });
    expect(await unchanged(watch, source)).toBe(true);
    await tree.git('add', 'b');
    expect(await unchanged(watch, source)).toBe(true);
    for (const option of ['--intent-to-add', '--force']) {
      await tree.git('add', option, 'a');
      expect(await unchanged(watch, source)).toBe(false);
      await tree.git('rm', '--quiet', '--cached', 'a');
      expect(await unchanged(watch, source)).toBe(true);
    }
    await tree.git('add', 'a');
    const tracked = await kept(source);
    await tree.git('rm', '--quiet', '--cached', 'a');
    expect(await unchanged(tracked, source)).toBe(false);
  });

  test('a directory gets what is tracked in it', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('"${./dir}"'), 'dir/a': '1' }, { git: true });
    const source = flakeOf(tree);
    const watch = await kept(source);
    await tree.write({ 'dir/b': '1', dir2: '1' });
    await tree.git('add', 'dir2');
    expect(await unchanged(watch, source)).toBe(true);
    await tree.git('add', 'dir/b');
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('committing what is there already changes nothing; going to another branch and back neither', async () => {
    await using tree = await makeFlake(
      { 'flake.nix': outputs('import ./a.nix'), 'a.nix': '1' },
      { git: true },
    );
    const source = flakeOf(tree);
    const watch = await kept(source);
    await tree.git('commit', '--quiet', '--message', 'one');
    expect(await unchanged(watch, source)).toBe(true);
    await tree.git('switch', '--quiet', '--create', 'other');
    await tree.write({ 'a.nix': '2' });
    await tree.git('commit', '--quiet', '--all', '--message', 'two');
    expect(await unchanged(watch, source)).toBe(false);
    await tree.git('switch', '--quiet', '-');
    expect(await unchanged(watch, source)).toBe(true);
  });

  test.each(['self.rev or "a"', 'self.lastModified', 'f self'])(
    'the commit counts where it can be asked for: %s',
    async (text) => {
      await using tree = await makeFlake({ 'flake.nix': outputs(text), other: '1' }, { git: true });
      const source = flakeOf(tree);
      await tree.git('commit', '--quiet', '--message', 'one');
      const watch = await kept(source);
      await tree.write({ other: '2' });
      expect(await unchanged(watch, source), 'dirty').toBe(false);
      await tree.write({ other: '1' });
      expect(await unchanged(watch, source)).toBe(true);
      await tree.git('commit', '--quiet', '--allow-empty', '--message', 'two');
      expect(await unchanged(watch, source), 'another commit').toBe(false);
      await tree.git('reset', '--quiet', '--soft', 'HEAD~');
      expect(await unchanged(watch, source)).toBe(true);
      await tree.git('pack-refs', '--all');
      expect(await unchanged(watch, source), 'the same one, kept elsewhere').toBe(true);
      await tree.git('checkout', '--quiet', '--detach');
      expect(await unchanged(watch, source), 'the same one, without a branch').toBe(true);
    },
  );

  test('without a question for the commit it does not count', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('"${self}"'), other: '1' }, { git: true });
    const source = flakeOf(tree);
    await tree.git('commit', '--quiet', '--message', 'one');
    const watch = await kept(source);
    await tree.git('commit', '--quiet', '--allow-empty', '--message', 'two');
    expect(await unchanged(watch, source)).toBe(true);
    await tree.write({ other: '2' });
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('attributes that make committed files differ from those in the tree make it all count', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('1'), other: '1' }, { git: true });
    const source = flakeOf(tree);
    const before = await kept(source);
    await tree.write({ '.gitattributes': '* text=auto\n' });
    await tree.git('add', '--all');
    expect(await unchanged(before, source)).toBe(false);
    expect((await kept(source)).doubts).toEqual([]);
    await tree.write({ '.gitattributes': 'flake.nix export-subst\n' });
    const watch = await kept(source);
    expect(watch.doubts).not.toEqual([]);
    await tree.write({ other: '2' });
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('files that git is told not to look at make it all count', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('1'), other: '1' }, { git: true });
    await tree.git('update-index', '--assume-unchanged', 'other');
    const watch = await kept(flakeOf(tree));
    expect(watch.doubts).not.toEqual([]);
  });

  test('a linked working tree has an index of its own', async () => {
    await using tree = await makeFlake(
      { 'flake.nix': outputs('self.rev or (builtins.pathExists ./a)') },
      { git: true },
    );
    await tree.git('commit', '--quiet', '--message', 'one');
    await tree.git('worktree', 'add', '--quiet', 'linked');
    const directory = join(tree.directory, 'linked');
    const source = flakeOf(tree, { directory, file: join(directory, 'flake.nix') });
    const watch = await kept(source);
    expect(watch.repositories[0]?.root).toBe(directory);
    expect(watch.repositories[0]?.head).toHaveLength(40);
    await tree.write({ 'linked/a': '1' });
    expect(await unchanged(watch, source)).toBe(true);
    await tree.git('-C', 'linked', 'add', 'a');
    expect(await unchanged(watch, source)).toBe(false);
    await tree.git('-C', 'linked', 'reset', '--quiet');
    await tree.git('-C', 'linked', 'commit', '--quiet', '--allow-empty', '--message', 'two');
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('files of a submodule are watched as they are', async () => {
    await using inner = await makeFlake({ 'a.nix': '1', b: '1' }, { git: true });
    await inner.git('commit', '--quiet', '--message', 'one');
    await using tree = await makeFlake(
      { 'flake.nix': outputs('import ./sub/a.nix'), 'whole.nix': '1' },
      { git: true },
    );
    await tree.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.directory, 'sub');
    const source = flakeOf(tree);
    const watch = await kept(source);
    await tree.write({ 'sub/b': '2' });
    expect(await unchanged(watch, source)).toBe(true);
    await tree.write({ 'sub/a.nix': '2' });
    expect(await unchanged(watch, source)).toBe(false);
    await tree.write({ 'flake.nix': outputs('"${self}"') });
    const whole = await kept(source);
    await tree.write({ 'sub/b': '3' });
    expect(await unchanged(whole, source)).toBe(false);
  });

  test('without git everything counts', async () => {
    await using tree = await makeFlake(
      { 'flake.nix': outputs('import ./a.nix'), 'a.nix': '1', b: '1' },
      { git: true },
    );
    const source = flakeOf(tree, { env: env(tree, { PATH: '/nowhere' }) });
    const watch = await kept(source);
    expect(await unchanged(watch, source)).toBe(true);
    await tree.git('rm', '--quiet', '--cached', 'a.nix');
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('a path: reference has untracked files, too', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('"${self}"') }, { git: true });
    const source = flakeOf(tree, { everyFile: true });
    const watch = await kept(source);
    expect(await unchanged(watch, source)).toBe(true);
    await tree.write({ untracked: '1' });
    expect(await unchanged(watch, source)).toBe(false);
    await rm(join(tree.directory, 'untracked'));
    expect(await unchanged(watch, source)).toBe(true);
    await tree.git('commit', '--quiet', '--message', 'one');
    expect(await unchanged(watch, source), 'what git writes is copied, too').toBe(false);
  });

  test('of a path: reference with a directory all of the tree is there', async () => {
    await using tree = await makeFlake({ 'dir/flake.nix': outputs('import ../a.nix'), 'a.nix': '1', b: '1' });
    const directory = join(tree.directory, 'dir');
    const source = flakeOf(tree, {
      directory,
      file: join(directory, 'flake.nix'),
      everyFile: true,
      root: tree.directory,
    });
    const watch = await kept(source);
    await tree.write({ b: '2' });
    expect(await unchanged(watch, source)).toBe(true);
    await tree.write({ 'a.nix': '2' });
    expect(await unchanged(watch, source)).toBe(false);
  });
});

describe('links', () => {
  test('on the way and at the end are watched, and what they lead to', async () => {
    await using tree = await makeFlake({
      'flake.nix': outputs('import ./link/a.nix'),
      'x/a.nix': '1',
      'y/a.nix': '1',
      'x/b': '1',
    });
    await symlink('x', join(tree.directory, 'link'));
    const source = flakeOf(tree);
    const watch = await kept(source);
    await tree.write({ 'x/b': '2', 'y/a.nix': '2' });
    expect(await unchanged(watch, source)).toBe(true);
    await rm(join(tree.directory, 'link'));
    await symlink('y', join(tree.directory, 'link'));
    expect(await unchanged(watch, source)).toBe(false);
    await rm(join(tree.directory, 'link'));
    await symlink('x', join(tree.directory, 'link'));
    expect(await unchanged(watch, source)).toBe(true);
    await tree.write({ 'x/a.nix': '2' });
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('in circles lead nowhere', async () => {
    await using tree = await makeFlake({ 'flake.nix': outputs('import ./a') });
    await symlink('b', join(tree.directory, 'a'));
    await symlink('a', join(tree.directory, 'b'));
    const source = flakeOf(tree);
    const watch = await kept(source);
    expect(await unchanged(watch, source)).toBe(true);
    await rm(join(tree.directory, 'b'));
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('to the project itself are no hindrance', async () => {
    await using tree = await makeFlake({
      'real/flake.nix': outputs('"${self}"'),
      'other/flake.nix': outputs('"${self}"'),
      'other/x': '1',
    });
    await symlink('real', join(tree.directory, 'link'));
    const directory = join(tree.directory, 'link');
    const source = flakeOf(tree, { directory, file: join(directory, 'flake.nix') });
    const watch = await kept(source);
    await tree.write({ 'real/new': '1' });
    expect(await unchanged(watch, source)).toBe(false);
    await rm(join(tree.directory, 'real/new'));
    expect(await unchanged(watch, source)).toBe(true);
    await rm(directory);
    await symlink('other', directory);
    expect(await unchanged(watch, source)).toBe(false);
  });
});

describe('inputs on this machine', () => {
  test('of the lock file, of flake.nix and of arguments are watched', async () => {
    await using tree = await makeFlake({
      'main/flake.nix': '{ inputs.b.url = "path:../b"; outputs = { self, a, b }: { }; }',
      'main/flake.lock': JSON.stringify({
        root: 'root',
        nodes: { root: { inputs: { a: 'a' } }, a: { locked: { type: 'path', path: '../a' } } },
      }),
      'a/x': '1',
      'b/x': '1',
      'c/x': '1',
      'd/x': '1',
    });
    const directory = join(tree.directory, 'main');
    const source = flakeOf(tree, {
      directory,
      file: join(directory, 'flake.nix'),
      references: ['path:../c'],
    });
    const watch = await kept(source);
    await tree.write({ 'd/x': '2' });
    expect(await unchanged(watch, source)).toBe(true);
    for (const name of ['a', 'b', 'c']) {
      await tree.write({ [`${name}/x`]: '2' });
      expect(await unchanged(watch, source), name).toBe(false);
      await tree.write({ [`${name}/x`]: '1' });
      expect(await unchanged(watch, source), name).toBe(true);
      await tree.write({ [`${name}/y`]: '1' });
      expect(await unchanged(watch, source), name).toBe(false);
      await rm(join(tree.directory, name, 'y'));
    }
  });

  test('a lock file that comes, goes or changes is a change', async () => {
    await using tree = await makeFlake(outputs('1'));
    const source = flakeOf(tree);
    const watch = await kept(source);
    await tree.write({ 'flake.lock': '{}' });
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('a repository counts with its commit', async () => {
    await using input = await makeFlake({ 'flake.nix': outputs('1'), x: '1' }, { git: true });
    await input.git('commit', '--quiet', '--message', 'one');
    await using tree = await makeFlake(
      `{ inputs.a.url = "git+file://${input.directory}"; outputs = { self, a }: { }; }`,
    );
    const source = flakeOf(tree);
    const watch = await kept(source);
    await input.write({ untracked: '1' });
    expect(await unchanged(watch, source)).toBe(true);
    await input.git('commit', '--quiet', '--allow-empty', '--message', 'two');
    expect(await unchanged(watch, source)).toBe(false);
  });
});

describe('surroundings', () => {
  test('variables of Nix and its settings count, others do not, and no value is kept', async () => {
    await using tree = await makeFlake({
      'flake.nix': outputs('builtins.getEnv "A"'),
      'conf/nix.conf': '!include more\n',
    });
    const source = flakeOf(tree, { env: env(tree, { NIX_CONFIG: 'access-tokens = secret', A: '1' }) });
    const watch = await kept(source);
    expect(JSON.stringify(watch)).not.toContain('secret');
    expect(await unchanged(watch, { ...source, env: { ...source.env, A: '2', TERM: 'x' } })).toBe(true);
    expect(await unchanged(watch, { ...source, env: { ...source.env, NIX_CONFIG: '' } })).toBe(false);
    await tree.write({ 'conf/more': 'cores = 1\n' });
    expect(await unchanged(watch, source)).toBe(false);
    await rm(join(tree.directory, 'conf/more'));
    await tree.write({ 'home/.config/nix/nix.conf': '' });
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('without purity the variables that are asked for count, too', async () => {
    await using tree = await makeFlake({ 'shell.nix': 'builtins.getEnv "A"' });
    const source = shellOf(tree);
    const watch = await kept(source);
    const having = (more: Record<string, string>) =>
      unchanged(watch, { ...source, env: { ...source.env, ...more } });
    expect(await having({ B: '1' })).toBe(true);
    expect(await having({ A: '1' })).toBe(false);
    expect(await having({ NIXPKGS_ALLOW_UNFREE: '1' })).toBe(false);
    await tree.write({ 'shell.nix': 'builtins.getEnv ("A" + "B")' });
    const any = await kept(source);
    expect(await unchanged(any, { ...source, env: { ...source.env, B: '1' } })).toBe(false);
  });

  test('without purity paths lead anywhere, and searches to where NIX_PATH says', async () => {
    await using tree = await makeFlake({
      'project/shell.nix': '[ (import ../up.nix) (import <lib/a.nix>) (import ~/h.nix) ]',
      'up.nix': 'import ./up2.nix',
      'up2.nix': '1',
      'one/a.nix': '1',
      'two/a.nix': '1',
      'home/h.nix': '1',
      'else.nix': '1',
    });
    await symlink('one', join(tree.directory, 'channel'));
    const directory = join(tree.directory, 'project');
    const source = shellOf(tree, {
      directory,
      file: join(directory, 'shell.nix'),
      env: env(tree, { NIX_PATH: `lib=${tree.directory}/channel:x=https://x.org/y` }),
    });
    const watch = await kept(source);
    await tree.write({ 'else.nix': '2', 'two/a.nix': '2' });
    expect(await unchanged(watch, source)).toBe(true);
    for (const path of ['up.nix', 'up2.nix', 'one/a.nix', 'home/h.nix', 'home/.config/nixpkgs/config.nix']) {
      await tree.write({ [path]: '2' });
      expect(await unchanged(watch, source), path).toBe(false);
      if (path.includes('config')) await rm(join(tree.directory, 'home/.config'), { recursive: true });
      else await tree.write({ [path]: path === 'up.nix' ? 'import ./up2.nix' : '1' });
      expect(await unchanged(watch, source), path).toBe(true);
    }
    await rm(join(tree.directory, 'channel'));
    await symlink('two', join(tree.directory, 'channel'));
    expect(await unchanged(watch, source)).toBe(false);
  });

  test('without purity an expression needs no name of its own', async () => {
    await using tree = await makeFlake({
      'project/shell.nix': '{ a = map import [ ./one ]; imports = [ ./two ]; }',
      'project/one': 'import ../a.nix',
      'project/two': 'import ../b.nix',
      'a.nix': '1',
      'b.nix': '1',
    });
    const directory = join(tree.directory, 'project');
    const source = shellOf(tree, { directory, file: join(directory, 'shell.nix') });
    const watch = await kept(source);
    for (const path of ['a.nix', 'b.nix']) {
      await tree.write({ [path]: '2' });
      expect(await unchanged(watch, source), path).toBe(false);
      await tree.write({ [path]: '1' });
    }
    expect(await unchanged(watch, source)).toBe(true);
  });

  test('a whole machine is nobody’s source', async () => {
    await using tree = await makeFlake({
      'shell.nix': '[ (/. + builtins.getEnv "A") (import /dev/null) ~/. ]',
    });
    const watch = await kept(shellOf(tree));
    expect(Object.keys(watch.trees)).toEqual([tree.directory]);
  });
});

describe('what it costs', () => {
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`dir${at % 50}/file${at}`, String(at)]));
  const median = async (times: number, action: () => Promise<unknown>): Promise<number> => {
    const took: number[] = [];
    for (let round = 0; round < times; round += 1) {
      const start = performance.now();
      await action();
      took.push(performance.now() - start);
    }
    return took.sort((a, b) => a - b)[Math.floor(times / 2)] ?? Number.NaN;
  };

  test.each([false, true])('a small flake costs next to nothing (git: %s)', async (git) => {
    await using tree = await makeFlake(
      { 'flake.nix': outputs('import ./a.nix'), 'a.nix': 'import ./b.nix', 'b.nix': '1' },
      { git },
    );
    const source = flakeOf(tree);
    const watch = await aged(tree, source);
    const took = await median(50, async () => expect(await renewedWatch(watch, source)).toBe(watch));
    // Had git to be asked, it could not be.
    const withoutGit = { ...source, env: { ...source.env, PATH: '/nowhere' } };
    expect(await renewedWatch(watch, withoutGit)).toBe(watch);
    if (process.env.FIGURES) console.info(`FIGURE small, git ${git}: ${took.toFixed(3)} ms`);
    expect(took).toBeLessThan(20);
  });

  test.each([false, true])('a tree of 5,000 files is looked through in no time (git: %s)', async (git) => {
    await using tree = await makeFlake({ 'flake.nix': outputs('"${self}"'), ...many(5000) }, { git });
    const source = flakeOf(tree);
    const start = performance.now();
    const first = await kept(source);
    const recorded = performance.now() - start;
    const racy = await median(3, () => unchanged(first, source));
    const watch = await aged(tree, source);
    const took = await median(15, async () => expect(await renewedWatch(watch, source)).toBe(watch));
    if (process.env.FIGURES) {
      const size = JSON.stringify(watch).length;
      console.info(
        `FIGURE 5,000, git ${git}: ${took.toFixed(1)} ms, racy ${racy.toFixed(0)}, record ${recorded.toFixed(0)}, ${size} bytes`,
      );
    }
    expect(took).toBeLessThan(600);
  });
});
