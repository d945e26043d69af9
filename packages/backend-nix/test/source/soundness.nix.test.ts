// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Source } from '../../src/source/watch.js';
import { record, unchanged } from '../../src/source/watch.js';
import { makeFlake, shellFlake, type TestFlake } from '../engines/flakes.js';
import { onNix } from '../engines/on-nix.js';
import { derivation } from './derivation.js';
import { SOURCES, type SourceCase } from './sources.js';

const run = promisify(execFile);

interface Step {
  readonly title: string;
  readonly path: string;
  readonly apply: () => Promise<unknown>;
  readonly revert: () => Promise<unknown>;
}

async function steps(
  tree: TestFlake,
  { files, created = [] }: SourceCase,
  git: boolean,
): Promise<readonly Step[]> {
  const all: Step[] = [];
  for (const path of Object.keys(files)) {
    const at = join(tree.directory, path);
    const before = await readFile(at, 'utf8');
    const revert = () => writeFile(at, before);
    // What text there is stays valid: a number becomes another, a text longer.
    const after = before.endsWith('"') ? before.replace(/"$/, ' edited"') : `${before}\n# edited`;
    all.push({ title: `edit ${path}`, path, apply: () => writeFile(at, after), revert });
    all.push({ title: `delete ${path}`, path, apply: () => rm(at), revert });
    if (!git) continue;
    const unstage = () => tree.git('rm', '--quiet', '--cached', path);
    all.push({ title: `untrack ${path}`, path, apply: unstage, revert: () => tree.git('add', path) });
  }
  for (const path of created) {
    const at = join(tree.directory, path);
    const create = async () => {
      await mkdir(dirname(at), { recursive: true });
      await writeFile(at, '"new"');
    };
    const remove = async () => {
      await rm(at);
      if (
        !(path in files) &&
        dirname(path) === 'dir' &&
        !Object.keys(files).some((one) => one.startsWith('dir/'))
      ) {
        await rm(dirname(at), { recursive: true });
      }
    };
    all.push({ title: `create ${path}`, path, apply: create, revert: remove });
    if (!git) continue;
    for (const options of [['--force'], ['--intent-to-add']]) {
      const add = async () => {
        await create();
        await tree.git('add', ...options, path);
      };
      const removed = async () => {
        await tree.git('rm', '--quiet', '--cached', path);
        await remove();
      };
      all.push({ title: `create and track ${path} (${options[0]})`, path, apply: add, revert: removed });
    }
  }
  return all;
}

onNix('wherever Nix comes to another derivation, the watch says so', (nix) => {
  const modes: readonly (readonly [string, boolean, boolean])[] = [
    ['as files', false, false],
    ['in git, committed', true, true],
    ['in git, not committed', true, false],
  ];
  for (const [title, source] of Object.entries(SOURCES)) {
    for (const [mode, git, commit] of modes) {
      if ((source.kind === 'file' && git) || (source.git && !git)) continue;
      test(`${title}, ${mode}`, async () => {
        await using tree = await makeFlake(source.files, { git });
        for (const [path, target] of Object.entries(source.links ?? {}))
          await symlink(target, join(tree.directory, path));
        const directory = join(tree.directory, source.directory ?? '.');
        if (source.files['lib/flake.nix'] !== undefined) {
          await run('nix', ['flake', 'lock', directory], { env: nix().env });
        }
        if (git) await tree.git('add', '--all');
        if (commit) await tree.git('commit', '--quiet', '--message', 'first');
        const variables = Object.fromEntries(
          Object.entries(source.variables ?? {}).map(([name, path]) => [name, join(directory, path)]),
        );
        const of: Source = {
          kind: source.kind ?? 'flake',
          directory,
          file: join(directory, source.kind === 'file' ? 'shell.nix' : 'flake.nix'),
          impure: source.impure === true,
          env: { ...nix().env, ...variables },
        };
        const watch = await record(of);
        const before = await derivation(of);
        expect(before).not.toBe('fails');
        expect(await unchanged(watch, of)).toBe(true);
        const missed: string[] = [];
        const wide: string[] = [];
        let seen = 0;
        for (const step of await steps(tree, source, git)) {
          await step.apply();
          const after = await derivation(of);
          const same = await unchanged(watch, of);
          if (after !== before && same) missed.push(step.title);
          if (after === before && !same) wide.push(step.title);
          if (after !== before) seen += 1;
          await step.revert();
          // Without git a tree is as old as its newest file, and that is newer now.
          if (Object.keys(watch.newest).length === 0)
            expect(await unchanged(watch, of), `as it was before: ${step.title}`).toBe(true);
        }
        if (process.env.FIGURES)
          console.info(
            `FIGURE ${title}, ${mode}: changed ${seen}, wide ${wide.length}: ${wide.join('; ')} | ${watch.doubts.join(', ')}`,
          );
        expect(missed).toEqual([]);
        expect(wide.filter((one) => source.ignored?.some((path) => one.endsWith(` ${path}`)))).toEqual([]);
        expect(seen).toBeGreaterThan(0);
      });
    }
  }
});

interface Change {
  readonly title: string;
  readonly flake: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly git: 'none' | 'committed';
  /** Before the watch. */
  readonly prepare?: (tree: TestFlake) => Promise<unknown>;
  readonly change: (tree: TestFlake) => Promise<unknown>;
}

const commit = (tree: TestFlake, ...more: string[]) =>
  tree.git('-c', 'user.name=other', 'commit', '--quiet', '--allow-empty', '--message', 'two', ...more);

const CHANGES: readonly Change[] = [
  {
    title: 'a commit, for its revision',
    flake: 'A = self.rev;',
    git: 'committed',
    change: (tree) => commit(tree),
  },
  {
    title: 'a commit, for its short revision',
    flake: 'inherit (self) shortRev;',
    git: 'committed',
    change: (tree) => commit(tree),
  },
  {
    title: 'a commit, for the number of them',
    flake: 'A = toString self.revCount;',
    git: 'committed',
    change: (tree) => commit(tree),
  },
  {
    title: 'a commit at another time',
    flake: 'A = toString self.lastModified;',
    git: 'committed',
    change: async (tree) => {
      const text = await tree.git('cat-file', 'commit', 'HEAD');
      await writeFile(
        join(tree.directory, '.git/made'),
        text.replace(/^(committer .*> )\d+/m, '$1123456789'),
      );
      const made = await tree.git('hash-object', '-t', 'commit', '-w', '.git/made');
      await tree.git('update-ref', 'HEAD', made.trim());
    },
  },
  {
    title: 'a file that is younger',
    flake: 'A = toString self.lastModified;',
    git: 'none',
    change: (tree) => utimes(join(tree.directory, 'other'), 2e9, 2e9),
  },
  {
    title: 'a file that becomes a program',
    flake: 'A = "${./other}";',
    git: 'committed',
    change: (tree) => chmod(join(tree.directory, 'other'), 0o755),
  },
  {
    title: 'becoming a repository',
    flake: 'A = self.rev or "none"; B = toString self.lastModified;',
    git: 'none',
    change: (tree) => tree.git('init', '--quiet'),
  },
  {
    title: 'becoming a repository where a file is not tracked',
    flake: 'A = builtins.pathExists ./other;',
    git: 'none',
    change: (tree) => tree.git('init', '--quiet').then(() => tree.git('add', 'flake.nix')),
  },
  {
    title: 'a file that is left out of commits, and a tree that is dirty',
    flake: 'A = builtins.pathExists ./other;',
    files: { '.gitattributes': 'other export-ignore\n', third: '1' },
    git: 'committed',
    change: (tree) => tree.write({ third: '2' }),
  },
  {
    title: 'attributes that leave a file out, committed',
    flake: 'A = builtins.pathExists ./other;',
    files: { '.gitattributes': '\n' },
    git: 'committed',
    change: (tree) =>
      tree
        .write({ '.gitattributes': 'other export-ignore\n' })
        .then(() => tree.git('commit', '--quiet', '--all', '--message', 'two')),
  },
  {
    title: 'a file that git shall not look at, and a tree that is dirty',
    flake: 'A = builtins.readFile ./other;',
    files: { third: '1' },
    git: 'committed',
    prepare: (tree) =>
      tree.git('update-index', '--assume-unchanged', 'other').then(() => tree.write({ other: 'hidden' })),
    change: (tree) => tree.write({ third: '2' }),
  },
  {
    title: 'a file that is absent for being left out of the tree',
    flake: 'A = builtins.pathExists ./other;',
    files: { third: '1' },
    git: 'committed',
    prepare: (tree) =>
      tree.git('update-index', '--skip-worktree', 'other').then(() => rm(join(tree.directory, 'other'))),
    change: (tree) => tree.write({ third: '2' }),
  },
  {
    title: 'a link that leads elsewhere',
    flake: 'A = builtins.readFile ./link;',
    git: 'none',
    prepare: (tree) => symlink('other', join(tree.directory, 'link')),
    change: (tree) =>
      rm(join(tree.directory, 'link')).then(() => symlink('flake.nix', join(tree.directory, 'link'))),
  },
  {
    title: 'a directory on the way that becomes a link',
    flake: 'A = builtins.readFile ./dir/a;',
    files: { 'dir/a': 'a', 'dir2/a': 'b' },
    git: 'committed',
    change: async (tree) => {
      await rm(join(tree.directory, 'dir'), { recursive: true });
      await symlink('dir2', join(tree.directory, 'dir'));
      await tree.git('add', '--all');
    },
  },
  {
    title: 'a directory of tracked files that becomes a link to the same',
    flake: 'A = builtins.pathExists ./dir/a;',
    files: { 'dir/a': 'a' },
    git: 'committed',
    change: async (tree) => {
      await rename(join(tree.directory, 'dir'), join(tree.directory, 'dir2'));
      await symlink('dir2', join(tree.directory, 'dir'));
    },
  },
  {
    title: 'a directory of the whole that becomes a link to the same',
    flake: 'A = "${self}";',
    files: { 'dir/a': 'a' },
    git: 'none',
    change: async (tree) => {
      await rename(join(tree.directory, 'dir'), join(tree.directory, '.dir'));
      await symlink('.dir', join(tree.directory, 'dir'));
    },
  },
  {
    title: 'another branch',
    flake: 'A = builtins.readFile ./other;',
    git: 'committed',
    prepare: async (tree) => {
      await tree.git('switch', '--quiet', '--create', 'second');
      await tree.write({ other: 'second' });
      await tree.git('commit', '--quiet', '--all', '--message', 'two');
      await tree.git('switch', '--quiet', '-');
    },
    change: (tree) => tree.git('switch', '--quiet', 'second'),
  },
];

onNix('changes of other kinds are seen where Nix sees them', (nix) => {
  for (const { title, flake, files = {}, git, prepare, change } of CHANGES) {
    test(title, async () => {
      await using tree = await makeFlake(
        { 'flake.nix': shellFlake(flake), other: '1', ...files },
        { git: git !== 'none' },
      );
      if (git === 'committed') await tree.git('commit', '--quiet', '--message', 'first');
      await prepare?.(tree);
      const file = join(tree.directory, 'flake.nix');
      const of: Source = { kind: 'flake', directory: tree.directory, file, impure: false, env: nix().env };
      const watch = await record(of);
      const before = await derivation(of);
      expect(before).not.toBe('fails');
      await change(tree);
      expect(await derivation(of)).not.toBe(before);
      expect(await unchanged(watch, of)).toBe(false);
    });
  }

  test('an input that is a repository with changes, which no lock can fix', async () => {
    await using input = await makeFlake(
      { 'flake.nix': '{ outputs = _: { a = import ./a.nix; }; }', 'a.nix': '"a"' },
      { git: true },
    );
    await input.git('commit', '--quiet', '--message', 'first');
    await input.write({ 'a.nix': '"b"' });
    const text = shellFlake('A = input.a;').replace(
      'outputs = { self }',
      `inputs.input.url = "git+file://${input.directory}"; outputs = { self, input }`,
    );
    await using tree = await makeFlake(text);
    const file = join(tree.directory, 'flake.nix');
    const of: Source = { kind: 'flake', directory: tree.directory, file, impure: false, env: nix().env };
    const watch = await record(of);
    const before = await derivation(of);
    expect(before).not.toBe('fails');
    await input.write({ 'a.nix': '"c"' });
    expect(await derivation(of)).not.toBe(before);
    expect(await unchanged(watch, of)).toBe(false);
  });
});
