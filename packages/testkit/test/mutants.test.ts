import { expect, test } from 'vitest';
import { conformanceCases } from '../src/cases.js';
import { argumentsMutants } from './mutants/arguments.js';
import { cancellationMutants } from './mutants/cancellation.js';
import { claimsMutants } from './mutants/claims.js';
import { concurrencyMutants } from './mutants/concurrency.js';
import { detectionMutants } from './mutants/detection.js';
import { environmentVariablesMutants } from './mutants/environment-variables.js';
import { exitStatusMutants } from './mutants/exit-status.js';
import { lifecycleMutants } from './mutants/lifecycle.js';
import { ownerDeathMutants } from './mutants/owner-death.js';
import { pathsMutants } from './mutants/paths.js';
import { portsMutants, sharedPortsMutants } from './mutants/ports.js';
import { redactionMutants } from './mutants/redaction.js';
import { signalsMutants } from './mutants/signals.js';
import { stdinMutants } from './mutants/stdin.js';
import { streamsMutants } from './mutants/streams.js';
import { unproven } from './mutants/unproven.js';

const mutants = [
  ...argumentsMutants,
  ...cancellationMutants,
  ...claimsMutants,
  ...concurrencyMutants,
  ...detectionMutants,
  ...environmentVariablesMutants,
  ...exitStatusMutants,
  ...lifecycleMutants,
  ...ownerDeathMutants,
  ...pathsMutants,
  ...portsMutants,
  ...redactionMutants,
  ...sharedPortsMutants,
  ...signalsMutants,
  ...stdinMutants,
  ...streamsMutants,
];
const proven = new Set(mutants.flatMap(({ failedBy }) => failedBy));
const excused = Object.values(unproven).flat();
const ids = conformanceCases.map(({ id }) => id);

test('every case fails a mutant or has a written reason', () => {
  expect(ids.filter((id) => !proven.has(id) && !excused.includes(id))).toEqual([]);
});

test('reasons are given once, and only where no mutant is failed', () => {
  expect(new Set(excused).size).toBe(excused.length);
  expect(excused.filter((id) => proven.has(id) || !ids.includes(id))).toEqual([]);
});

test('mutants name cases that exist, and have names of their own', () => {
  // An area stands for all of its cases.
  const areas = ids.map((id) => id.split('.')[0]);
  expect([...proven].filter((id) => !ids.includes(id) && !areas.includes(id))).toEqual([]);
  expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
});
