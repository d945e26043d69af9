import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompanionRunner } from '@companion/core';
import { assertNames } from '../assert-names.js';
import { selectAmong } from '../automatic-selection.js';
import type { ConformanceCase } from '../case.js';
import { rejectsWith, throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** Nobody's ids on any machine, and different ones, so that a group that is taken for a user shows. */
const STRANGER = { uid: 54_321, gid: 54_322 } as const;

export const usersCases: readonly ConformanceCase[] = [
  {
    id: 'users.host',
    title: 'by default a process has a user that tools can live with: a name, and a home that can be written',
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const byDefault = await context.start();
      const named = await byDefault.run('id', ['-un'], { reject: false });
      assert.match(named.stdout, /\S/, 'the user must have a name: ssh, git and Python fail without one');
      const script = sh('echo text > "$HOME/written" && rm "$HOME/written"');
      const { code, stderr } = await byDefault.run(...script, { reject: false });
      assert.equal(code, 0, `its home must be there and can be written: ${stderr}`);
      const asHost = await context.start({ user: 'host' });
      assert.equal(await idsOf(asHost), await idsOf(byDefault), 'host must be the default');
    },
  },
  {
    id: 'users.honoured',
    title: 'a companion and a process run with the ids they are given, and their files have them',
    since: 1,
    requires: { user: true },
    run: async (context) => {
      const { uid, gid } = STRANGER;
      const stranger = `${uid} ${gid}`;
      const byOption = await context.start({ user: STRANGER });
      assert.equal(await idsOf(byOption), stranger, 'the option user must be honoured');
      const written = await byOption.run(...sh('file=$(mktemp) && ls -ln "$file" && rm "$file"'));
      const owner = written.stdout.trim().split(/\s+/).slice(2, 4);
      assert.deepEqual(owner, [String(uid), String(gid)], 'files must belong to it');
      const byMethod = await context.create();
      await byMethod.withUser(STRANGER).init();
      assert.equal(await idsOf(byMethod), stranger, 'withUser() must be honoured');
      const usual = await context.start();
      const ofCompanion = await idsOf(usual);
      const script = sh('echo "$(id -u) $(id -g)"');
      const ran = await usual.run(...script, { user: STRANGER });
      assert.equal(ran.stdout.trim(), stranger, 'the user of one run must be honoured');
      const [file, args] = script;
      const built = await usual
        .newProcess(file, ...args)
        .withUser(STRANGER)
        .run();
      assert.equal(built.stdout.trim(), stranger, 'the user of one process must be honoured');
      assert.equal(await idsOf(usual), ofCompanion, 'it must be that of its process alone');
    },
  },
  {
    id: 'users.refused',
    title: 'another user is refused where the backend has only one, never ignored',
    since: 1,
    requires: { user: false },
    run: async (context) => {
      const code = 'COMPANION_UNSUPPORTED';
      const demand = 'a user that the backend cannot switch to';
      const preferred = await rejectsWith(context.create({ user: STRANGER }), code, demand);
      assertNames(preferred, [context.backend.name, String(STRANGER.uid)], demand);
      const automatic = selectAmong(context, [context.backend], { user: STRANGER });
      assertNames(
        await rejectsWith(automatic, 'COMPANION_NO_BACKEND', demand),
        [String(STRANGER.uid)],
        demand,
      );
      const runner = await context.create();
      assertNames(
        throwsWith(() => runner.withUser(STRANGER), code, `withUser() with ${demand}`),
        ['withUser()', 'option'],
        'it must say what to do instead',
      );
      await runner.init();
      throwsWith(() => runner.newProcess('id').withUser(STRANGER), code, `a process with ${demand}`);
      await rejectsWith(runner.run('id', [], { user: STRANGER }), code, `run() with ${demand}`);
      await rejectsWith(runner.spawn('id', [], { user: STRANGER }), code, `spawn() with ${demand}`);
    },
  },
  {
    id: 'users.own-ids',
    title: "on a shared filesystem `host`, `image` and the caller's own ids are the same user",
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const [uid, gid] = [process.getuid?.(), process.getgid?.()];
      // Windows has no ids to give.
      const own = uid === undefined || gid === undefined ? [] : [{ uid, gid }];
      for (const user of ['host', 'image', ...own] as const) {
        const runner = await context.start({ user });
        await runner.run(...sh('echo text > inside'));
        await writeFile(join(context.directory, 'here'), '');
        const inside = await ownerOf(join(context.directory, 'inside'));
        const here = await ownerOf(join(context.directory, 'here'));
        assert.deepEqual(inside, here, `with ${JSON.stringify(user)} a file must belong to the caller`);
        await runner.run(...sh('rm inside here'));
        for (const ids of own) await runner.run('sh', ['-c', ':'], { user: ids });
      }
    },
  },
  {
    id: 'users.image',
    title: "with `image` the environment's own user is kept",
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const runner = await context.start({ user: 'image' });
      const script = sh('[ -d "$HOME" ] && [ -w "$HOME" ] && id -un');
      const { stdout } = await runner.run(...script, { reject: false });
      assert.match(stdout, /\S/, "the image's user must have its name and its home");
    },
  },
];

async function idsOf(runner: CompanionRunner): Promise<string> {
  return (await runner.run(...sh('echo "$(id -u) $(id -g)"'))).stdout.trim();
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await stat(path);
  return { uid, gid };
}
