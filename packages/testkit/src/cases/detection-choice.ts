import assert from 'node:assert/strict';
import type { Capabilities } from '@companion/core';
import { assertNames } from '../assert-names.js';
import { selectAmong } from '../automatic-selection.js';
import { CAPABILITY_NAMES, otherValues } from '../capability-values.js';
import type { CaseRequirements, ConformanceCase } from '../case.js';
import { rejectsWith } from '../rejects-with.js';
import { otherCandidate, watchBackend } from '../watched-backend.js';

const ABSENT = {
  available: false,
  reason: 'its engine does not answer',
  hint: 'Start the engine.',
} as const;

/** Which candidate gets the companion: part of the area `detection`. */
export const detectionChoiceCases: readonly ConformanceCase[] = [
  {
    id: 'detection.requires-met',
    title: 'a companion that requires what the backend has gets it',
    since: 1,
    requires: {},
    run: async (context) => {
      const { capabilities } = context;
      const exact = await context.due(
        'what it said that it has may be required',
        context.create({ requires: capabilities }),
      );
      assert.equal(exact.backend, context.backend.name, 'it has all that is required');
      const several = await context.create({
        requires: { filesystem: ['shared', 'bound', 'copied'], network: ['private', 'shared'] },
      });
      assert.equal(several.backend, context.backend.name, 'one of several values suffices');
    },
  },
  {
    id: 'detection.requires-fails-closed',
    title: 'a required capability that is not there refuses the companion, and the error names it',
    since: 1,
    requires: {},
    run: async (context) => {
      const { backend, capabilities } = context;
      const watched = watchBackend(backend);
      for (const key of CAPABILITY_NAMES) {
        const demand = `requiring another ${key} than it has must be refused`;
        const refused = context.create({ backends: [watched.backend], requires: unmet(capabilities, key) });
        const error = await rejectsWith(refused, 'COMPANION_NO_BACKEND', demand);
        assertNames(error, [backend.name, key, String(capabilities[key])], demand);
      }
      assert.equal(watched.created(), 0, 'a refused companion must not make an environment');
    },
  },
  {
    id: 'detection.preference-never-falls-back',
    title: 'a preferred backend that says no is not replaced by this one',
    since: 1,
    requires: {},
    run: async (context) => {
      const watched = watchBackend(context.backend);
      const absent = otherCandidate('stand-in', watched.backend.priority + 1, async () => ABSENT);
      const backends = [absent, watched.backend];
      const demand = 'an explicit preference must not fall back';
      const refused = context.create({ backends, preferredBackend: absent.name });
      const error = await rejectsWith(refused, 'COMPANION_NO_BACKEND', demand);
      assertNames(error, [absent.name, ABSENT.reason, ABSENT.hint], demand);
      const unknown = context.create({ backends, preferredBackend: 'nobody-has-this-name' });
      assertNames(
        await rejectsWith(unknown, 'COMPANION_NO_BACKEND', demand),
        ['nobody-has-this-name'],
        demand,
      );
      assert.equal(watched.detections.length, 0, 'a backend that was not preferred must not even be asked');
      assert.equal(watched.created(), 0, 'a backend that was not preferred must not be used');
    },
  },
  {
    id: 'detection.preferred-is-not-outranked',
    title:
      'a preferred backend serves although a better one is there, and an unmet requirement still refuses it',
    since: 1,
    requires: {},
    run: async (context) => {
      const { backend, capabilities } = context;
      const better = otherCandidate('stand-in', backend.priority + 1, async () => ({ available: true }));
      const backends = [better, backend];
      const runner = await context.create({ backends, preferredBackend: backend.name });
      assert.equal(runner.backend, backend.name, 'the preferred backend must serve');
      assert.match(runner.selection.reason, /\S/, 'a companion must say why it has its backend');
      const demand = 'a preferred backend that lacks what is required must be refused';
      const requires = unmet(capabilities, 'filesystem');
      const refused = context.create({ backends, preferredBackend: backend.name, requires });
      const error = await rejectsWith(refused, 'COMPANION_NO_BACKEND', demand);
      assertNames(error, [backend.name, 'filesystem', capabilities.filesystem], demand);
    },
  },
  {
    id: 'detection.falls-back',
    title:
      'a shared backend that serves although an image was given says so, and does not where fallback is false',
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const image = 'companion-no-such-image';
      const runner = await selectAmong(context, [context.backend], { image });
      assert.equal(runner.backend, context.backend.name, 'it must serve instead of a container');
      assert.equal(runner.selection.fellBack, true, 'that it runs without the image must be told');
      const demand = 'an image with fallback: false';
      const refused = selectAmong(context, [context.backend], { image, fallback: false });
      assertNames(await rejectsWith(refused, 'COMPANION_NO_BACKEND', demand), ['fallback'], demand);
    },
  },
  {
    id: 'detection.every-reason-is-told',
    title: 'when nobody can serve, the error lists every candidate with its reason and hint',
    since: 1,
    requires: {},
    run: async (context) => {
      const { backend, capabilities } = context;
      const requires = { tty: !capabilities.tty };
      const absent = otherCandidate('stand-in', backend.priority + 1, async () => ABSENT, requires);
      const fail = (): never => {
        throw new Error('its socket is broken');
      };
      const failing = otherCandidate('failing-stand-in', backend.priority - 1, fail, requires);
      const demand = 'every candidate must be listed';
      const refused = selectAmong(context, [failing, backend, absent], { requires });
      const error = await rejectsWith(refused, 'COMPANION_NO_BACKEND', demand);
      const named = [
        absent.name,
        ABSENT.reason,
        ABSENT.hint,
        backend.name,
        failing.name,
        'its socket is broken',
      ];
      assertNames(error, named, demand);
    },
  },
  {
    id: 'detection.hung-below',
    title: 'another endpoint that never answers does not delay a better backend',
    since: 1,
    requires: {},
    run: async (context) => {
      let asked = 0;
      const hung = otherCandidate('stand-in', context.backend.priority - 1, () => {
        asked += 1;
        return new Promise(() => {});
      });
      const startedAt = performance.now();
      const runner = await selectAmong(context, [hung, context.backend]);
      const tookMs = performance.now() - startedAt;
      assert.equal(runner.backend, context.backend.name, 'the better backend must serve');
      assert.equal(asked, 1, 'all candidates must be asked at once');
      assert.ok(
        tookMs < 4000,
        `selection must not wait for the other endpoint, it took ${Math.round(tookMs)} ms`,
      );
    },
  },
];

/** Requires of one capability any value that it does not have. */
function unmet(capabilities: Capabilities, name: keyof Capabilities): CaseRequirements {
  return { [name]: otherValues(capabilities, name) };
}
