import { expect, test } from 'vitest';
import { isImageId, parseReference } from '../../src/image/reference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  ['alpine', 'docker.io/library/alpine:latest'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20'],
  ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
  ['docker.io/alpine', 'docker.io/library/alpine:latest'],
  ['index.docker.io/library/alpine:3', 'docker.io/library/alpine:3'],
  ['localhost/busybox:1', 'localhost/busybox:1'],
  ['localhost:5000/busybox', 'localhost:5000/busybox:latest'],
  ['127.0.0.1:5000/a/b/c:x_Y.z-1', '127.0.0.1:5000/a/b/c:x_Y.z-1'],
  ['[::1]:5000/name:1', '[::1]:5000/name:1'],
  ['ghcr.io/org/tool:v1', 'ghcr.io/org/tool:v1'],
  ['Registry/tool:v1', 'Registry/tool:v1'],
  [`alpine@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`],
  [`alpine:3@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`],
])('%s is %s', (written, full) => {
  expect(parseReference(written)).toMatchObject({ written, full });
});

test('a digest is kept beside its tag, and no tag is invented for it', () => {
  expect(parseReference(`a/b:3@${DIGEST}`)).toMatchObject({ tag: '3', digest: DIGEST, path: 'a/b' });
  expect(parseReference(`a/b@${DIGEST}`)).toMatchObject({ tag: undefined, digest: DIGEST });
});

test.each([
  '',
  'Alpine',
  'a b',
  'a:',
  'a@',
  'a@sha256:1',
  'a//b',
  '../a',
  '/a',
  'a/',
  'http://a/b',
  'a:b:c',
  'a?x=1',
])('%j is refused with what was expected', (written) => {
  expect(() => parseReference(written)).toThrow(TypeError);
  expect(() => parseReference(written)).toThrow(/expected a reference like "node:24".*got/);
});

test('only a whole id is one', () => {
  expect(isImageId('a'.repeat(64))).toBe(true);
  expect(isImageId(DIGEST)).toBe(true);
  expect(isImageId('a'.repeat(12))).toBe(false);
  expect(isImageId(`alpine@${DIGEST}`)).toBe(false);
});
