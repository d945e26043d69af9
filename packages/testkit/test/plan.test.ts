import { localBackend } from '@companion/backend-local/backend';
import { describe, expect, test } from 'vitest';
import type { ConformanceCase } from '../src/case.js';
import { type ConformanceTarget, chosenCases, isRequired, planConformance } from '../src/plan.js';

const target: ConformanceTarget = { backend: localBackend };

function caseOf(id: string, more: Partial<ConformanceCase> = {}): ConformanceCase {
  return { id, title: `The rule ${id}.`, since: 1, requires: {}, run: () => Promise.resolve(), ...more };
}

function planOf(cases: readonly ConformanceCase[], more: Partial<ConformanceTarget> = {}): unknown[] {
  return planConformance(cases, { ...target, ...more }).map(({ case: one, ...planned }) => ({
    id: one.id,
    ...planned,
  }));
}

describe('planConformance()', () => {
  test('runs what applies, in the order given', () => {
    const cases = [caseOf('b.two'), caseOf('a.one', { requires: { filesystem: 'shared', killTree: true } })];
    expect(planOf(cases)).toEqual([
      { id: 'b.two', action: 'run' },
      { id: 'a.one', action: 'run' },
    ]);
  });

  test('skips what needs another capability, and says which', () => {
    expect(planOf([caseOf('a.one', { requires: { filesystem: 'bound' } })])).toEqual([
      { id: 'a.one', action: 'skip', reason: 'applies to filesystem bound, it has shared' },
    ]);
  });

  test('of several values one suffices', () => {
    const cases = [
      caseOf('a.one', { requires: { filesystem: ['bound', 'shared'] } }),
      caseOf('a.two', { requires: { filesystem: ['bound', 'copied'] } }),
    ];
    expect(planOf(cases)).toEqual([
      { id: 'a.one', action: 'run' },
      { id: 'a.two', action: 'skip', reason: 'applies to filesystem bound or copied, it has shared' },
    ]);
  });

  test("goes by this machine's capabilities where they are lowered", () => {
    const cases = [caseOf('a.killed', { requires: { ownerDeath: 'killed' } })];
    const lowered = { ...localBackend.capabilities, ownerDeath: 'survives' } as const;
    expect(planConformance(cases, target, lowered)).toMatchObject([{ action: 'skip' }]);
  });

  test('a waived case has to fail', () => {
    const waivers = { 'a.two': 'https://example.com/issues/7' };
    expect(planOf([caseOf('a.one'), caseOf('a.two')], { waivers })).toEqual([
      { id: 'a.one', action: 'run' },
      { id: 'a.two', action: 'must-fail', issue: 'https://example.com/issues/7' },
    ]);
  });

  test('a waived case that does not apply is skipped', () => {
    const cases = [caseOf('a.one', { requires: { limits: true } })];
    expect(planOf(cases, { waivers: { 'a.one': '#7' } })).toMatchObject([{ action: 'skip' }]);
  });

  test('a waiver of an unknown case is a mistake', () => {
    expect(() => planOf([caseOf('a.one')], { waivers: { 'a.oen': '#7' } })).toThrow(
      new TypeError('waivers: expected ids of cases, got a.oen'),
    );
  });

  test('what is newer than the pinned revision is skipped', () => {
    const cases = [caseOf('a.one'), caseOf('a.two', { since: 2 })];
    expect(planOf(cases, { revision: 1 })).toEqual([
      { id: 'a.one', action: 'run' },
      { id: 'a.two', action: 'skip', reason: 'newer (revision 2) than the pinned revision 1' },
    ]);
  });

  test.for([0, 1.5, 2])('%s is no revision of this list', (revision) => {
    expect(() => planOf([caseOf('a.one')], { revision })).toThrow(TypeError);
  });

  test('a case with a second program needs to know how that imports the backend', () => {
    const cases = [caseOf('a.one', { needsModule: true })];
    expect(planOf(cases)).toMatchObject([{ action: 'skip', reason: expect.stringContaining('module') }]);
    expect(planOf(cases, { module: './backend.js' })).toEqual([{ id: 'a.one', action: 'run' }]);
  });
});

describe('chosenCases()', () => {
  const cases = [caseOf('exit-status.codes'), caseOf('streams.separate'), caseOf('streams.separate-again')];

  test('an id names one case, an area all of its cases', () => {
    const idsOf = (only: readonly string[]) => chosenCases(cases, only).map(({ id }) => id);
    expect(idsOf(['streams.separate'])).toEqual(['streams.separate']);
    expect(idsOf(['streams'])).toEqual(['streams.separate', 'streams.separate-again']);
    expect(chosenCases(cases, undefined)).toEqual(cases);
  });

  test('what names nothing is a mistake', () => {
    expect(() => chosenCases(cases, ['streams', 'stream'])).toThrow(
      /^only: expected ids or areas of cases, got stream; the areas are .*streams/,
    );
    expect(() => chosenCases(cases, [])).toThrow(TypeError);
  });
});

test('absence is a failure when the target or COMPANION_REQUIRE_BACKENDS says so', () => {
  const named = { COMPANION_REQUIRE_BACKENDS: 'docker, local' };
  expect(isRequired(target, {})).toBe(false);
  expect(isRequired(target, named)).toBe(true);
  expect(isRequired({ ...target, required: false }, named)).toBe(false);
  expect(isRequired({ ...target, required: true }, {})).toBe(true);
  expect(isRequired(target, { COMPANION_REQUIRE_BACKENDS: 'localhost' })).toBe(false);
});
