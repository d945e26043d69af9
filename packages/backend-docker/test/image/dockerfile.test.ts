import { expect, test } from 'vitest';
import { readDockerfile } from '../../src/image/dockerfile.js';

function images(text: string, args: Readonly<Record<string, string>> = {}, target?: string) {
  return readDockerfile(text, { target, args }).images.map(({ reference, platform }) =>
    platform === undefined ? reference : `${reference} for ${platform}`,
  );
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile look like that
test('images are told from stages, and variables replaced', () => {
  const text = [
    'ARG VERSION=3.20',
    'ARG REGISTRY',
    'FROM alpine:$VERSION AS base',
    'FROM --platform=linux/amd64 ${REGISTRY:-docker.io}/library/node:24 AS Tools',
    'ARG VERSION=ignored-in-a-stage',
    'FROM base',
    'COPY --from=tools /a /a',
    'COPY --chown=1:1 --from=ghcr.io/org/tool:1 /b /b',
    'COPY --from=0 /a /a',
    'RUN --mount=type=bind,from=busybox:1,target=/x true',
    'FROM scratch',
  ].join('\n');
  const rest = ['ghcr.io/org/tool:1', 'busybox:1'];
  expect(images(text)).toEqual(['alpine:3.20', 'docker.io/library/node:24 for linux/amd64', ...rest]);
  expect(images(text, { VERSION: '3.21', REGISTRY: 'r.example' })).toEqual([
    'alpine:3.21',
    'r.example/library/node:24 for linux/amd64',
    ...rest,
  ]);
});

test('what cannot be known is left to the engine, and what comes after the target is not wanted', () => {
  expect(images('FROM ${UNKNOWN}\nFROM --platform=$BUILDPLATFORM alpine')).toEqual([]);
  expect(images('FROM a AS one\nFROM b AS two\n', {}, 'one')).toEqual(['a']);
});

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: to here

test("a frontend of one's own is an image, too", () => {
  expect(images('# syntax=docker/dockerfile:1\nFROM a')).toEqual(['docker/dockerfile:1', 'a']);
});

test.each([
  ['RUN --mount=type=cache,target=/x make', true],
  ['COPY --link a b', true],
  ['ADD --chmod=755 a b', true],
  ['RUN <<EOF\nmake\nEOF', true],
  ['RUN echo a << 1', false],
  ['RUN make --mount', false],
  ['COPY --chown=1:1 --from=a b c', false],
  ['# RUN --mount=type=cache', false],
])('%j needs BuildKit: %s', (line, needsBuildKit) => {
  const facts = readDockerfile(`FROM a\n${line}\n`, { target: undefined, args: {} });
  expect(facts.needsBuildKit).toBe(needsBuildKit);
});
