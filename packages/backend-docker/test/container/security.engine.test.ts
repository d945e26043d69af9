// What programs inside can do to what holds them, and what can be seen of them from outside.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompanionRunner } from '@companion/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, failureOf, say } from './companions.js';

eachEngine('security', (engine) => {
  const companions = new Companions(engine);

  for (const [who, user] of [
    ['an ordinary user', { uid: 1234, gid: 1234 }],
    ['root', { uid: 0, gid: 0 }],
  ] as const) {
    describe(`${who} inside`, () => {
      let runner: CompanionRunner;
      beforeAll(async () => {
        runner = await companions.start({ name: 'guarded', user, env: { SECRET: 'hunter2' } });
      });

      test('cannot end what holds it', async () => {
        await say(runner, 'for s in TERM HUP INT QUIT USR1 KILL STOP SEGV; do kill -$s 1 2>/dev/null; done');
        expect(await say(runner, 'echo still here')).toBe('still here');
      });

      test('cannot stop the keepers of other programs', async () => {
        const other = await runner.spawn('sh', ['-c', 'echo up; sleep 1000']);
        await runner.waitForLine(other, 'up');
        await say(
          runner,
          'for p in $(ls /proc | grep -E "^[0-9]+$"); do if [ $p != $$ ]; then kill -STOP $p; fi; done 2>/dev/null',
        );
        await other.stop({ graceMs: 100 });
        expect(await say(runner, 'ps -o args | grep -c "[s]leep 1000" || true')).toBe('0');
      });

      test('cannot open what it has open', async () => {
        expect(
          await say(
            runner,
            'for f in 0 1 2 3 4 5; do cat /proc/1/fd/$f < /dev/null; done; cat /proc/1/mem | head -c 1',
          ),
        ).toMatch(/^(.*(denied|No such|not permitted|can't open|Input\/output).*\n?)+$/);
      });

      test('finds no socket, and can make none', async () => {
        expect(await say(runner, 'ls -A /.companion/sockets 2>&1')).toMatch(/^$|denied|No such/);
        expect(
          await say(
            runner,
            'touch /.companion/sockets/x /.companion/supervisor /.companion/y 2>&1; ls /.companion',
          ),
        ).toMatch(/sockets.*Read-only|sockets.*denied/);
        expect(await say(runner, 'echo > /.companion/supervisor')).toMatch(/Read-only|denied/);
      });

      test('has no terminal, no engine, and no way up', async () => {
        expect(await say(runner, 'ls /var/run/docker.sock /run/podman 2>&1 | grep -vc "No such"')).toBe('0');
        expect(await say(runner, 'cat /sys/kernel/notes > /dev/null; echo 1 > /proc/sysrq-trigger')).toMatch(
          /Read-only|denied|nonexistent/,
        );
      });
    });
  }

  test('nothing of the variables can be seen from outside', async () => {
    await companions.start({ name: 'secretive', env: { SECRET: 'hunter2' } });
    const seen = JSON.stringify(await companions.inspect('secretive'));
    expect(seen).not.toContain('hunter2');
    expect(seen).not.toContain('SECRET');
  });

  test('all processes taken: they can still be ended, and the next one started', async ({ skip }) => {
    const { capabilities } = await companions.create({ name: 'crowded' });
    skip(!capabilities.limits, 'the engine cannot enforce limits');
    const runner = await companions.start({ name: 'crowded', limits: { processes: 20 } });
    const crowd = await runner.spawn(
      'sh',
      ['-c', 'while sleep 1000 & do :; done 2>/dev/null; echo full; wait'],
      {},
    );
    await crowd.stop({ graceMs: 100 });
    expect(await say(runner, 'echo free')).toBe('free');
  });

  test('no new privileges; profiles for system calls', async () => {
    const file = join(companions.sourceDir, 'profile.json');
    const names = ['mkdir', 'mkdirat'];
    await writeFile(
      file,
      JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] }),
    );
    expect(await readFile(file, 'utf8')).toContain('mkdir');
    const user = { uid: 1234, gid: 1234 };
    const strict = await companions.start(
      { name: 'strict', user },
      { securityOptions: ['no-new-privileges', `seccomp=${file}`] },
    );
    expect(
      await say(strict, 'exec 2>&1; id -u; mkdir /tmp/x; grep -E "NoNewPrivs|Seccomp:" /proc/self/status'),
    ).toMatch(/^1234\nmkdir: .*\nNoNewPrivs:\s1\nSeccomp:\s2$/);
    const free = await companions.start({ name: 'free' }, { securityOptions: ['seccomp=unconfined'] });
    expect(await say(free, 'grep Seccomp: /proc/self/status')).toMatch(/Seccomp:\s0/);
    const missing = await failureOf(
      companions.start({ name: 'missing' }, { securityOptions: ['seccomp=/no/such.json'] }),
    );
    expect(missing).toMatchObject({ code: 'COMPANION_START_FAILED', hint: expect.any(String) });
    expect(await companions.containers('missing')).toEqual([]);
  });

  test('the engine itself, only on request', async () => {
    const runner = await companions.start({ name: 'master' }, { engineSocket: true });
    expect(await say(runner, '[ -S /var/run/docker.sock ] && echo there')).toBe('there');
  });
});
