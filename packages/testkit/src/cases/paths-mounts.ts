import assert from 'node:assert/strict';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompanionRunner, PublishedEvent } from '@companion/core';
import { assertNames } from '../assert-names.js';
import { selectAmong } from '../automatic-selection.js';
import type { CaseContext, ConformanceCase } from '../case.js';
import { rejectsWith, throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** Mounts, and whose files are: part of the area `paths`. */
export const pathsMountsCases: readonly ConformanceCase[] = [
  {
    id: 'paths.longest-prefix',
    title: 'of several mounts above a path the nearest counts, and a similar name is not above it',
    since: 1,
    requires: {},
    run: async (context) => {
      const { outer, inner, sourceDir } = await directories(context);
      const runner = await context.create({
        sourceDir,
        mounts: [
          { hostPath: outer, companionPath: '/data' },
          { hostPath: inner, companionPath: '/data/in/ner' },
        ],
      });
      const expected: Readonly<Record<string, string>> = {
        '/data': outer,
        '/data/file': join(outer, 'file'),
        '/data/in/nermost': join(outer, 'in', 'nermost'),
        '/data/in/ner': inner,
        '/data/in/ner/file': join(inner, 'file'),
        '/data/in/ner/../file': join(outer, 'in', 'file'),
        '/workspace/data': join(sourceDir, 'data'),
      };
      for (const [companionPath, hostPath] of Object.entries(expected)) {
        assert.equal(
          runner.toHostPath(companionPath),
          hostPath,
          `${companionPath} must be below the nearest mount`,
        );
      }
      if (runner.capabilities.filesystem === 'shared') {
        assert.equal(runner.toHostPath('/database'), '/database', '/database is not below /data');
      } else {
        throwsWith(() => runner.toHostPath('/database'), 'COMPANION_PATH_NOT_MAPPED', '/database');
        const nested = await context.create({
          sourceDir: outer,
          mounts: [{ hostPath: inner, companionPath: '/in' }],
        });
        assert.equal(
          nested.toCompanionPath(join(inner, 'file')),
          '/in/file',
          'host paths must go to the nearest, too',
        );
      }
    },
  },
  {
    id: 'paths.mount-at-own-path',
    title: 'a mount without a companion path is visible at its own path',
    since: 1,
    requires: {},
    run: async (context) => {
      const { outer, sourceDir } = await directories(context);
      const byOption = await context.start({ sourceDir, mounts: [outer] });
      const byMethod = await context.create({ sourceDir });
      await byMethod.withMount(outer).init();
      for (const runner of [byOption, byMethod]) {
        assert.equal(
          runner.toCompanionPath(join(outer, 'mark')),
          join(outer, 'mark'),
          'the path must be its own',
        );
        const { stdout } = await runner.run('cat', ['mark'], { cwd: outer, reject: false });
        assert.equal(stdout, 'outer', 'it must be there');
      }
    },
  },
  {
    id: 'paths.mount-bound',
    title: 'a mount is really there at its companion path, and each side sees at once what the other writes',
    since: 1,
    requires: { filesystem: 'bound' },
    run: async (context) => {
      const { outer, sourceDir } = await directories(context);
      const mounts = [
        { hostPath: outer, companionPath: '/mounted/directory', strict: true },
        { hostPath: join(outer, 'mark'), companionPath: '/mounted/file' },
      ];
      const runner = await context.start({ sourceDir, mounts });
      const there = runner.run(...sh('cat /mounted/directory/mark /mounted/file'), { reject: false });
      const { stdout } = await context.due('a directory and a file must be there', there);
      assert.equal(stdout, 'outerouter', 'a directory and a file must be there');
      await assertLive(runner, outer, '/mounted/directory');
    },
  },
  {
    id: 'paths.workspace-live',
    title: 'each side sees at once what the other writes to the workspace',
    since: 1,
    requires: { filesystem: ['shared', 'bound'] },
    run: async (context) => {
      const runner = await context.start();
      await assertLive(runner, context.directory, runner.toCompanionPath(context.directory));
    },
  },
  {
    id: 'paths.mount-translated',
    title: "a cwd below a mount's companion path is the place on the host, and an event says so once",
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const { outer, sourceDir } = await directories(context);
      const events: PublishedEvent[] = [];
      const runner = await context.start({
        sourceDir,
        mounts: [{ hostPath: outer, companionPath: '/mounted/directory' }],
        onEvent: (event) => void events.push(event),
      });
      for (const cwd of ['/mounted/directory', '/mounted/directory/in', { hostPath: outer }]) {
        await runner.run(...sh('cat "$1"', join(outer, 'mark')), { cwd });
      }
      const options = { cwd: '/mounted/directory', reject: false } as const;
      const { stdout } = await runner.run('cat', ['mark'], options);
      assert.equal(stdout, 'outer', 'the directory must be the one on the host');
      const translated = events.flatMap((event) => (event.type === 'mount-translated' ? [event] : []));
      const places = translated.map(({ hostPath, companionPath }) => ({ hostPath, companionPath }));
      const ofMount = places.filter(({ companionPath }) => companionPath === '/mounted/directory');
      assert.deepEqual(
        ofMount,
        [{ hostPath: outer, companionPath: '/mounted/directory' }],
        'one event must say it',
      );
      assert.equal(runner.toCompanionPath(outer), outer, 'toCompanionPath() must give the host path itself');
      const path = runner.toHostPath('/mounted/directory/mark');
      assert.equal(path, join(outer, 'mark'), 'toHostPath() must know the companion path');
      const words = ['/mounted/directory/mark', 'file:///mounted/directory'];
      const echoed = await runner.run(...sh('printf "%s\\n" "$@" "$PLACE"', ...words), {
        env: { PLACE: '/mounted/directory' },
      });
      const expected = `${[...words, '/mounted/directory'].join('\n')}\n`;
      assert.equal(echoed.stdout, expected, 'arguments and variables must never be rewritten');
    },
  },
  {
    id: 'paths.mount-copied',
    title: 'a mount is there as a copy, and what was written to it can be copied out',
    since: 1,
    requires: { filesystem: 'copied' },
    run: async (context) => {
      const { outer, sourceDir } = await directories(context);
      const mounts = [{ hostPath: outer, companionPath: '/mounted/directory', strict: true }];
      const runner = await context.start({ sourceDir, mounts });
      const script = 'cat /mounted/directory/mark; echo inside > /mounted/directory/made';
      const { stdout } = await context.due('the copy must be there', runner.run(...sh(script)));
      assert.equal(stdout, 'outer', 'the copy must be there');
      const copied = runner.copyOut('/mounted/directory/made', join(outer, 'made'));
      await context.due('a file must come back', copied);
      assert.equal(await readFile(join(outer, 'made'), 'utf8'), 'inside\n', 'a file must come back');
    },
  },
  {
    id: 'paths.read-only-honoured',
    title: 'a read-only mount can be read and not written',
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const { outer, sourceDir } = await directories(context);
      const mounts = [{ hostPath: outer, companionPath: '/mounted', readOnly: true }];
      const runner = await context.start({ sourceDir, mounts });
      const attempts = [
        'echo x > /mounted/new',
        'echo x >> /mounted/mark',
        'rm -f /mounted/mark',
        'mkdir /mounted/d',
      ];
      for (const attempt of attempts) {
        const trying = runner.run(...sh(`( ${attempt} ) 2>/dev/null`), { reject: false });
        const { code } = await context.due('a read-only mount can be tried', trying);
        assert.notEqual(code, 0, `it must fail: ${attempt}`);
      }
      assert.equal((await runner.run('cat', ['/mounted/mark'])).stdout, 'outer', 'it must still be readable');
      assert.equal(await readFile(join(outer, 'mark'), 'utf8'), 'outer', "the host's file must be untouched");
    },
  },
  {
    id: 'paths.read-only-refused',
    title: 'a read-only or strict mount is refused where the filesystem is shared',
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const { outer, sourceDir } = await directories(context);
      for (const demand of ['readOnly', 'strict'] as const) {
        const mounts = [{ hostPath: outer, companionPath: '/mounted', [demand]: true }];
        const preferred = await rejectsWith(
          context.create({ sourceDir, mounts }),
          'COMPANION_UNSUPPORTED',
          demand,
        );
        assertNames(preferred, [context.backend.name, demand, outer], demand);
        const automatic = selectAmong(context, [context.backend], { sourceDir, mounts });
        assertNames(await rejectsWith(automatic, 'COMPANION_NO_BACKEND', demand), [demand, outer], demand);
        const runner = await context.create({ sourceDir });
        const change = (): unknown => runner.withMount(outer, '/mounted', { [demand]: true });
        const late = throwsWith(change, 'COMPANION_UNSUPPORTED', `${demand} by withMount()`);
        assertNames(late, ['withMount()', 'option'], 'it must say what to do instead');
        await runner.init();
        throwsWith(change, 'COMPANION_WRONG_STATE', 'the refused mount must have changed nothing');
      }
    },
  },
  {
    id: 'paths.owner',
    title: 'files written inside belong to the caller',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      await runner.run(...sh('mkdir made && echo text > made/file'));
      const made = join(context.directory, 'made');
      if (runner.capabilities.filesystem === 'copied') {
        await runner.copyOut(runner.toCompanionPath(made), made);
      }
      const own = join(context.directory, 'own');
      await writeFile(own, '');
      for (const path of [made, join(made, 'file')]) {
        assert.deepEqual(await ownerOf(path), await ownerOf(own), `${path} must belong to the caller`);
      }
      await writeFile(join(made, 'file'), 'written again');
      await rm(made, { recursive: true });
    },
  },
];

/** A source directory, and besides it `outer` with a mark in it, and `inner` below that. */
async function directories({
  directory,
}: CaseContext): Promise<{ sourceDir: string; outer: string; inner: string }> {
  const [sourceDir, outer] = [join(directory, 'source'), join(directory, 'outer')];
  const inner = join(outer, 'in');
  await mkdir(sourceDir);
  await mkdir(inner, { recursive: true });
  await writeFile(join(outer, 'mark'), 'outer');
  return { sourceDir, outer, inner };
}

async function assertLive(runner: CompanionRunner, hostPath: string, companionPath: string): Promise<void> {
  const file = `${companionPath}/live`;
  await writeFile(join(hostPath, 'live'), 'by the host');
  const script = sh('cat "$1"; printf "by the inside" > "$1"', file);
  const seen = await runner.run(...script, { reject: false });
  assert.equal(seen.stdout, 'by the host', 'the inside must see what the host has written');
  const back = await readFile(join(hostPath, 'live'), 'utf8');
  assert.equal(back, 'by the inside', 'the host must see what the inside has written');
  await rm(join(hostPath, 'live'));
  const gone = await runner.run(...sh('[ -e "$1" ]', file), { reject: false });
  assert.equal(gone.code, 1, 'the inside must see what the host has removed');
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await stat(path);
  return { uid, gid };
}
