import { describe, expect, test } from 'vitest';
import { closestName } from '../src/closest-name.js';

const NAMES = ['run', 'doctor', 'conformance'];

describe('closestName()', () => {
  test.for([
    ['runn', 'run'],
    ['rnu', 'run'],
    ['docter', 'doctor'],
    ['doktor', 'doctor'],
    ['conformence', 'conformance'],
    ['conf', 'conformance'],
  ])('takes %s for %s', ([given, meant]) => {
    expect(closestName(given!, NAMES)).toBe(meant);
  });

  test.for(['', 'x', 'node', 'prune', 'doctrine-of-it'])('does not guess what "%s" means', (given) => {
    expect(closestName(given, NAMES)).toBeUndefined();
  });
});
