import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CompanionRunner, Directory } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { rejectsWith, throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** What breaks shell words, volume syntax (`:` and `,`), URIs and names that are taken for text of one byte a letter. */
const AWKWARD = 'two words, ünï 日本 %41 #? \'it\' "$HOME" a:b';

export const pathsCases: readonly ConformanceCase[] = [
  {
    id: 'paths.default-directory',
    title: 'processes start where sourceDir is visible',
    since: 1,
    requires: {},
    run: async (context) => {
      await mark(context.directory, 'source');
      const runner = await context.start();
      assert.equal(await markAt(runner), 'source', 'the default directory must be the workspace');
      const workspace = runner.toCompanionPath(context.directory);
      assert.equal(await markAt(runner, workspace), 'source', 'toCompanionPath() must say where that is');
    },
  },
  {
    id: 'paths.cwd',
    title: 'a cwd is a companion path, a path relative to the default directory, or { hostPath }',
    since: 1,
    requires: {},
    run: async (context) => {
      await mark(context.directory, 'source');
      await mark(join(context.directory, 'sub', 'deep'), 'deep');
      const runner = await context.start();
      const directories: readonly Directory[] = [
        '/workspace/sub/deep',
        'sub/deep',
        './sub/../sub/deep',
        { hostPath: join(context.directory, 'sub', 'deep') },
        { hostPath: 'sub/deep' },
      ];
      for (const cwd of directories) {
        const demand = `the cwd ${JSON.stringify(cwd)} must be where the mark is`;
        assert.equal(await markAt(runner, cwd), 'deep', demand);
        const built = runner.newProcess('cat', 'mark').withDir(cwd);
        assert.equal((await built.run()).stdout, 'deep', `${demand} for withDir(), too`);
        const spawned = await runner.spawn('cat', ['mark'], { cwd, stdin: 'ignore' });
        const lines: string[] = [];
        for await (const line of spawned.lines()) lines.push(line);
        assert.deepEqual(lines, ['deep'], `${demand} for spawn(), too`);
      }
      assert.equal(await markAt(runner), 'source', 'a cwd must be that of its process alone');
      assert.equal((await runner.run('pwd', [], { cwd: '/' })).stdout, '/\n', 'the root must be the root');
    },
  },
  {
    id: 'paths.work-dir',
    title: 'workDir is the default directory of every process, and relative directories start from it',
    since: 1,
    requires: {},
    run: async (context) => {
      await mark(join(context.directory, 'sub'), 'sub');
      await mark(join(context.directory, 'sub', 'deep'), 'deep');
      const workDirs: readonly Directory[] = ['/workspace/sub', 'sub', { hostPath: 'sub' }];
      for (const workDir of workDirs) {
        const demand = `with workDir ${JSON.stringify(workDir)}`;
        const byOption = await context.start({ workDir });
        const byMethod = await context.create();
        await byMethod.withWorkDir(workDir).init();
        for (const runner of [byOption, byMethod]) {
          assert.equal(await markAt(runner), 'sub', `${demand} processes must start there`);
          assert.equal(await markAt(runner, 'deep'), 'deep', `${demand} a relative cwd must start from it`);
          assert.equal(await markAt(runner, { hostPath: 'sub' }), 'sub', `${demand} hostPath must not`);
        }
      }
    },
  },
  {
    id: 'paths.workspace-dir',
    title: 'workspaceDir says where sourceDir is visible, and `host` means at its own path',
    since: 1,
    requires: {},
    run: async (context) => {
      await mark(join(context.directory, 'sub'), 'sub');
      const elsewhere = await context.due(
        'the workspace may be anywhere',
        context.start({ workspaceDir: '/else/where' }),
      );
      assert.equal(await markAt(elsewhere, '/else/where/sub'), 'sub', 'it must be visible there');
      const inside = elsewhere.toHostPath('/else/where/sub');
      assert.equal(inside, join(context.directory, 'sub'), 'toHostPath() must know it');
      const atHost = await context.start({ workspaceDir: 'host' });
      assert.equal(
        atHost.toCompanionPath(context.directory),
        context.directory,
        'its path must be the same inside',
      );
      assert.equal(await markAt(atHost, join(context.directory, 'sub')), 'sub', 'and be there');
    },
  },
  {
    id: 'paths.both-ways',
    title: 'toCompanionPath() and toHostPath() undo each other for everything below sourceDir',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const source = runner.toHostPath('/workspace');
      for (const below of ['', 'file', 'sub/file', 'sub/../file', AWKWARD, 'a/./b//c']) {
        const hostPath = join(source, below);
        const companionPath = runner.toCompanionPath(hostPath);
        assert.equal(runner.toHostPath(companionPath), hostPath, `${companionPath} must lead back`);
        assert.equal(
          runner.toCompanionPath(below === '' ? '.' : below),
          companionPath,
          'relative means from sourceDir',
        );
        assert.equal(
          runner.toHostPath(`/workspace/${below}`),
          hostPath,
          `/workspace/${below} must be known, too`,
        );
      }
    },
  },
  {
    id: 'paths.not-mapped',
    title: 'a path that is not visible on the other side is an error, never a guess',
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const runner = await context.start();
      const beside = `${context.directory}-beside`;
      for (const hostPath of [beside, dirname(context.directory), '/', join(beside, 'file')]) {
        const demand = `the host path ${hostPath}`;
        throwsWith(() => runner.toCompanionPath(hostPath), 'COMPANION_PATH_NOT_MAPPED', demand);
        throwsWith(() => runner.toCompanionUri(pathToFileURL(hostPath)), 'COMPANION_PATH_NOT_MAPPED', demand);
        const running = runner.run('pwd', [], { cwd: { hostPath } });
        await rejectsWith(running, 'COMPANION_PATH_NOT_MAPPED', `${demand} as cwd`);
      }
      for (const companionPath of ['/', '/workspace-beside', '/usr/bin', '/workspace/../etc']) {
        const demand = `the companion path ${companionPath}`;
        throwsWith(() => runner.toHostPath(companionPath), 'COMPANION_PATH_NOT_MAPPED', demand);
      }
    },
  },
  {
    id: 'paths.host-paths-valid',
    title: 'on a shared filesystem every host path is itself inside',
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const sourceDir = join(context.directory, 'source');
      const beside = join(context.directory, 'source-beside');
      await mkdir(sourceDir);
      await mark(beside, 'beside');
      const runner = await context.start({ sourceDir });
      assert.equal(runner.toCompanionPath(beside), beside, 'a path outside must be itself');
      assert.equal(runner.toHostPath(beside), beside, 'and back');
      assert.equal(await markAt(runner, beside), 'beside', 'and be there as a companion path');
      assert.equal(await markAt(runner, { hostPath: beside }), 'beside', 'and as a host path');
    },
  },
  {
    id: 'paths.symlinked-source',
    title: 'a sourceDir that is a symbolic link works, and paths keep the form in which the caller wrote it',
    since: 1,
    requires: {},
    run: async (context) => {
      const real = join(context.directory, 'real');
      const link = join(context.directory, 'link');
      await mark(join(real, 'sub'), 'through the link');
      await symlink(real, link);
      const runner = await context.due('a link is accepted', context.start({ sourceDir: link }));
      assert.equal(await markAt(runner, 'sub'), 'through the link', 'files behind the link must be visible');
      const inside = runner.toCompanionPath(join(link, 'sub'));
      assert.equal(runner.toHostPath(inside), join(link, 'sub'), 'paths must lead back to the link');
      const resolved = runner.toCompanionPath(join(real, 'sub'));
      assert.equal(await markAt(runner, resolved), 'through the link', 'the real path must be known as well');
    },
  },
  {
    id: 'paths.awkward-names',
    title: 'directories with spaces, quotes, colons, commas and letters of all alphabets work',
    since: 1,
    requires: {},
    run: async (context) => {
      const sourceDir = join(context.directory, AWKWARD);
      await mark(join(sourceDir, AWKWARD), 'here');
      const runner = await context.start({ sourceDir });
      const below = context.due('it can be a cwd', markAt(runner, `/workspace/${AWKWARD}`));
      assert.equal(await below, 'here', 'as a companion path');
      assert.equal(await markAt(runner, { hostPath: join(sourceDir, AWKWARD) }), 'here', 'as a host path');
      await runner.run(...sh('echo made > "$1"', runner.toCompanionPath(join(sourceDir, `${AWKWARD}.txt`))));
      const { stdout } = await runner.run(...sh('cat "$1"', `${AWKWARD}.txt`));
      assert.equal(stdout, 'made\n', 'and as an argument');
    },
  },
  {
    id: 'paths.uris',
    title: 'file URIs are translated like paths, whatever is encoded in them',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const source = runner.toHostPath('/workspace');
      for (const name of ['file.ts', AWKWARD, 'a+b&c;d=e@f.ts', '~/x', '%', 'a%20b', 'back\\slash']) {
        const hostPath = join(source, name);
        const uri = pathToFileURL(hostPath).href;
        const companionUri = runner.toCompanionUri(uri);
        const demand = `for ${uri}`;
        assert.equal(
          fileURLToPath(companionUri),
          runner.toCompanionPath(hostPath),
          `the URI must name the same file ${demand}`,
        );
        assert.equal(runner.toHostUri(companionUri), uri, `it must lead back ${demand}`);
        assert.equal(
          runner.toCompanionUri(new URL(uri)),
          companionUri,
          `a URL object must be the same ${demand}`,
        );
        assert.equal(runner.toHostUri(new URL(companionUri)), uri, `also on the way back ${demand}`);
      }
      // Editors encode more than they must.
      const encoded = `${pathToFileURL(source).href}/${'%61%3A%62'}`;
      assert.equal(
        fileURLToPath(runner.toCompanionUri(encoded)),
        runner.toCompanionPath(join(source, 'a:b')),
        'needless encoding',
      );
      for (const foreign of ['https://example.org/x', 'untitled:Untitled-1']) {
        assert.throws(() => runner.toCompanionUri(foreign), TypeError, `${foreign} is no file`);
        assert.throws(() => runner.toHostUri(foreign), TypeError, `${foreign} is no file`);
      }
    },
  },
];

/** Makes a directory with a file `mark` that says which it is. */
async function mark(directory: string, text: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'mark'), text);
}

/** What the mark says in the directory in which a process starts; where there is none, what `cat` says. */
async function markAt(runner: CompanionRunner, cwd?: Directory): Promise<string> {
  const options = { reject: false, ...(cwd === undefined ? {} : { cwd }) } as const;
  const { stdout, stderr } = await runner.run('cat', ['mark'], options);
  return stdout + stderr;
}
