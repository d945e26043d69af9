import assert from 'node:assert/strict';
import { assertNames } from '../assert-names.js';
import { selectAmong } from '../automatic-selection.js';
import type { ConformanceCase } from '../case.js';
import { listenInside } from '../listen-inside.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { exchange } from '../tcp.js';

/** Whom an environment reaches. */
export const networkCases: readonly ConformanceCase[] = [
  {
    id: 'network.none-honoured',
    title: 'with network `none` nothing leads out of the environment',
    since: 1,
    requires: { networkNone: true },
    run: async (context) => {
      const runner = await context.start({ network: 'none' });
      // proc(5): one line a route, in the first file after a heading. Every way out needs one.
      const script =
        'tail -n +2 /proc/net/route; awk \'$NF != "lo"\' /proc/net/ipv6_route 2> /dev/null; true';
      const { stdout } = await runner.run(...sh(script));
      assert.equal(stdout, '', 'there must be no route to anywhere else');
    },
  },
  {
    id: 'network.none-ports',
    title: 'with network `none` the ports inside are reached all the same',
    since: 1,
    requires: { networkNone: true },
    run: async (context) => {
      const runner = await context.start({ network: 'none', ports: [{ name: 'server' }] });
      const server = await listenInside(runner, runner.endpoint('server').companionPort);
      const demand = 'a declared port must be reached';
      const endpoint = await context.due(demand, runner.waitForPort('server', { process: server }));
      const echo = await context.due(demand, exchange(endpoint, 'still here', context.signal));
      assert.equal(echo.toString(), 'still here', demand);
    },
  },
  {
    id: 'network.none-refused',
    title: 'network `none` is refused where the backend cannot enforce it, never ignored',
    since: 1,
    requires: { networkNone: false },
    run: async (context) => {
      const demand = "network: 'none'";
      const preferred = context.create({ network: 'none' });
      const error = await rejectsWith(preferred, 'COMPANION_UNSUPPORTED', demand);
      assertNames(error, [context.backend.name, 'network'], demand);
      const automatic = selectAmong(context, [context.backend], { network: 'none' });
      assertNames(await rejectsWith(automatic, 'COMPANION_NO_BACKEND', demand), ['network'], demand);
    },
  },
];
