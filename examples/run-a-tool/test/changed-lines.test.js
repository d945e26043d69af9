import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedLines } from '../changed-lines.js';

test('equal texts have no changed lines', () => {
  assert.deepEqual(changedLines('a\nb\n', 'a\nb\n'), []);
});

test('changed, removed and added lines are told in order', () => {
  assert.deepEqual(changedLines('a\nb\nc\nd\n', 'a\nB\nc\nd\ne\n'), ['- b', '+ B', '+ e']);
  assert.deepEqual(changedLines('a\nb\n', 'b\n'), ['- a']);
  assert.deepEqual(changedLines('', 'a\n'), ['+ a']);
});
