// What programs inside may, and what the supervisor may all the same.
import { expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, say } from './companions.js';

const NET_ADMIN = 1n << 12n;
const NET_RAW = 1n << 13n;
const KILL = 1n << 5n;

eachEngine('capabilities', (engine) => {
  const companions = new Companions(engine);
  const rights = async (runner: Parameters<typeof say>[0]) => {
    const status = await say(runner, 'grep -E "^Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status');
    return Object.fromEntries(
      status.split('\n').map((line) => {
        const [name = '', mask = '0'] = line.split(/:\s+/);
        return [name, BigInt(`0x${mask}`)];
      }),
    );
  };

  test('without any, root has none, and the supervisor still changes users and ends trees', async () => {
    const runner = await companions.start(
      { name: 'dropped', user: { uid: 0, gid: 0 } },
      { capDrop: ['ALL'] },
    );
    expect(await rights(runner)).toEqual({ CapInh: 0n, CapPrm: 0n, CapEff: 0n, CapBnd: 0n, CapAmb: 0n });
    expect(await say(runner, 'id -u; chown 1:1 /tmp')).toMatch(/^0\nchown: .*not permitted/);

    const other = await companions.start(
      { name: 'dropped', user: { uid: 1234, gid: 1234 } },
      { capDrop: ['all'] },
    );
    expect(await say(other, 'id -u; id -un; echo kept > "$HOME/file"; cat "$HOME/file"')).toBe(
      '1234\ncompanion\nkept',
    );
    const tree = await other.spawn('sh', [
      '-c',
      'trap "" TERM; setsid sh -c "trap \'\' TERM; echo up; while :; do sleep 1; done" & wait',
    ]);
    await other.waitForLine(tree, 'up');
    await tree.stop({ graceMs: 50 });
    expect(await say(other, 'ps -o args | grep -c "[w]hile"')).toBe('0');
  });

  test('one dropped, one added', async () => {
    const runner = await companions.start(
      { name: 'chosen', user: { uid: 0, gid: 0 } },
      { capDrop: ['CAP_KILL', 'net_raw'], capAdd: ['NET_ADMIN'] },
    );
    const { CapEff = 0n, CapBnd = 0n } = await rights(runner);
    for (const mask of [CapEff, CapBnd]) {
      expect({ kill: mask & KILL, raw: mask & NET_RAW, admin: mask & NET_ADMIN }).toEqual({
        kill: 0n,
        raw: 0n,
        admin: NET_ADMIN,
      });
    }
    const added = await companions.start(
      { name: 'added', user: { uid: 0, gid: 0 } },
      { capAdd: ['NET_ADMIN'] },
    );
    expect(((await rights(added)).CapEff ?? 0n) & NET_ADMIN).toBe(NET_ADMIN);
  });
});
