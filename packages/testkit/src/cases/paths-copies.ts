import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaseContext, ConformanceCase } from '../case.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** `copyIn()` and `copyOut()`: part of the area `paths`. */
export const pathsCopiesCases: readonly ConformanceCase[] = [
  {
    id: 'paths.copy-file',
    title: 'a file is copied in and out byte by byte, under the path given, and may be executed there',
    since: 1,
    requires: {},
    run: async (context) => {
      const { sourceDir, outside } = await places(context);
      const bytes = randomBytes(3_000_000);
      await writeFile(join(outside, 'bytes'), bytes);
      await writeFile(join(outside, 'tool'), '#!/bin/sh\necho "tool $1"\n');
      await chmod(join(outside, 'tool'), 0o755);
      const runner = await context.start({ sourceDir });
      const inside = runner.toCompanionPath('new/place/copy');
      await runner.copyIn(join(outside, 'bytes'), inside);
      const { stdout } = await runner.run('cat', [inside], { encoding: 'buffer', reject: false });
      assert.equal(sha256(stdout), sha256(bytes), 'the copy inside must be the same bytes');
      await runner.copyOut(inside, join(outside, 'back'));
      assert.equal(
        sha256(await readFile(join(outside, 'back'))),
        sha256(bytes),
        'and so must be the copy back',
      );
      await runner.copyIn(join(outside, 'tool'), '/workspace/tool');
      const running = runner.run(runner.toCompanionPath('tool'), ['works']);
      const ran = await context.due('an executable file stays one', running);
      assert.equal(ran.stdout, 'tool works\n', 'an executable file must stay one');
    },
  },
  {
    id: 'paths.copy-overwrites',
    title: 'a copy replaces the file that was there, and a relative host path starts from sourceDir',
    since: 1,
    requires: {},
    run: async (context) => {
      await writeFile(join(context.directory, 'given'), 'given');
      const runner = await context.start();
      const inside = runner.toCompanionPath('made');
      await runner.run(...sh('echo "a longer text than the other" > "$1"', inside));
      await runner.copyIn('given', inside);
      assert.equal((await runner.run('cat', [inside])).stdout, 'given', 'copyIn() must replace it all');
      await runner.run(...sh('printf changed > "$1"', inside));
      await runner.copyOut(inside, 'given');
      const back = await readFile(join(context.directory, 'given'), 'utf8');
      assert.equal(back, 'changed', 'copyOut() must replace it all');
    },
  },
  {
    id: 'paths.copy-directory',
    title: 'a directory is copied in and out with all it holds, and merged into one that is there',
    since: 1,
    requires: {},
    run: async (context) => {
      const { sourceDir, outside } = await places(context);
      const tree = join(outside, 'tree');
      await mkdir(join(tree, 'sub', 'empty'), { recursive: true });
      await writeFile(join(tree, 'sub', "file with 'awkward' näme"), 'in sub');
      await writeFile(join(tree, '.hidden'), 'hidden');
      await symlink('.hidden', join(tree, 'link'));
      const runner = await context.start({ sourceDir });
      const inside = runner.toCompanionPath('copied');
      await runner.run(...sh('mkdir -p "$1/sub" && echo old > "$1/sub/old"', inside));
      await context.due('a directory can be copied in', runner.copyIn(tree, inside));
      const listed = sh('cd "$1" && find . | sort && cat link', inside);
      const listing = await runner.run(...listed, { reject: false });
      const expected = [
        '.',
        './.hidden',
        './link',
        './sub',
        './sub/empty',
        "./sub/file with 'awkward' näme",
        './sub/old',
        'hidden',
      ];
      assert.deepEqual(
        listing.stdout.split('\n').sort(),
        [...expected].sort(),
        'everything must be there, and the old file still',
      );
      await runner.copyOut(inside, join(outside, 'back'));
      const back = (await readdir(join(outside, 'back'), { recursive: true })).sort();
      const below = expected.slice(1, -1).map((path) => path.slice(2));
      assert.deepEqual(back, below.sort(), 'everything must come back');
      const own = await stat(outside);
      for (const name of ['.', ...back]) {
        const { uid, gid } = await stat(join(outside, 'back', name));
        assert.deepEqual({ uid, gid }, { uid: own.uid, gid: own.gid }, `${name} must belong to the caller`);
      }
    },
  },
  {
    id: 'paths.copy-missing',
    title: 'copying what does not exist fails and makes nothing',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      const inside = runner.toCompanionPath('made');
      await assert.rejects(runner.copyIn('missing', inside), Error, 'copyIn() of a missing file must fail');
      await assert.rejects(runner.copyOut(inside, 'back'), Error, 'copyOut() of a missing file must fail');
      const { stdout } = await runner.run(...sh('ls -A'));
      assert.equal(stdout, '', 'nothing must have been made');
      assert.deepEqual(await readdir(context.directory), [], 'on neither side');
    },
  },
  {
    id: 'paths.copy-anywhere',
    title: 'files can be copied to and from every place of an environment with its own filesystem',
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const { sourceDir, outside } = await places(context);
      await writeFile(join(outside, 'file'), 'text');
      const runner = await context.start({ sourceDir });
      const home = runner.run(...sh('cd "$HOME" && pwd'));
      const { stdout } = await context.due('the environment has a place of its own', home);
      const inside = `${stdout.trim()}/copied/file`;
      await runner.copyIn(join(outside, 'file'), inside);
      const { code } = await runner.run(...sh('[ "$(cat "$1")" = text ] && echo more >> "$1"', inside), {
        reject: false,
      });
      assert.equal(
        code,
        0,
        "what was copied must be there, and the process's user must be able to read and change it",
      );
      await runner.copyOut(inside, join(outside, 'back'));
      assert.equal(await readFile(join(outside, 'back'), 'utf8'), 'textmore\n', 'and it must come back');
    },
  },
  {
    id: 'paths.copy-contained',
    title: "on a shared filesystem a copy outside the mounts is refused: it would be the host's own file",
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const { sourceDir, outside } = await places(context);
      await writeFile(join(outside, 'file'), 'text');
      const runner = await context.start({ sourceDir });
      const target = join(outside, 'copied');
      const demand = 'a place outside sourceDir and the mounts';
      await rejectsWith(
        runner.copyIn(join(outside, 'file'), target),
        'COMPANION_PATH_NOT_MAPPED',
        `copyIn() to ${demand}`,
      );
      await rejectsWith(
        runner.copyOut(join(outside, 'file'), join(sourceDir, 'copied')),
        'COMPANION_PATH_NOT_MAPPED',
        `copyOut() of ${demand}`,
      );
      assert.deepEqual(await readdir(outside), ['file'], 'nothing must have been written');
      assert.deepEqual(await readdir(sourceDir), [], 'on neither side');
    },
  },
];

/** A source directory, and one of the host that nobody has mounted. */
async function places({ directory }: CaseContext): Promise<{ sourceDir: string; outside: string }> {
  const [sourceDir, outside] = [join(directory, 'source'), join(directory, 'outside')];
  await mkdir(sourceDir);
  await mkdir(outside);
  return { sourceDir, outside };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
