import { expect, test } from 'vitest';
import { oneLine, pullFailure } from '../../src/image/image-failure.js';
import { parseReference } from '../../src/image/reference.js';

const NO_LOGIN = { auth: undefined, origin: undefined, problems: [] };
const LOGIN = {
  auth: { username: 'me', password: 'pw-1', serveraddress: 'r' },
  origin: 'the file',
  problems: [],
};

// Words as Docker 20.10 and Podman 4.3 have said them.
test.each([
  [
    'Head "http://r/v2/x/manifests/1": no basic auth credentials',
    NO_LOGIN,
    /No login for r\.example.*docker login/,
  ],
  [
    "pull access denied for x, repository does not exist or may require 'docker login': denied",
    NO_LOGIN,
    /No login/,
  ],
  [
    'Head "http://r/v2/x/manifests/1": unauthorized: authentication required',
    LOGIN,
    /refused the login of the file/,
  ],
  [
    'manifest for r/x:1 not found: manifest unknown: manifest unknown',
    NO_LOGIN,
    /Check the name and the tag/,
  ],
  ['reading manifest nope in 127.0.0.1:5000/x: manifest unknown', LOGIN, /Check the name and the tag/],
  [
    'Get "http://r/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
    NO_LOGIN,
    /could not reach r\.example/,
  ],
  ['Get "https://r/v2/": dial tcp: lookup r on 10.0.0.1:53: no such host', LOGIN, /could not reach/],
  [
    'net/http: request canceled while waiting for connection (Client.Timeout exceeded)',
    NO_LOGIN,
    /could not reach/,
  ],
  [
    'toomanyrequests: You have reached your pull rate limit. Visit https://www.docker.com/increase-rate-limit',
    NO_LOGIN,
    /wait, or run `docker login r\.example`/,
  ],
  ['toomanyrequests: slow down', LOGIN, /a mirror/],
  ['failed to register layer: write /a: no space left on device', NO_LOGIN, /disk is full/],
  [
    'no matching manifest for linux/arm64/v8 in the manifest list entries',
    NO_LOGIN,
    /no image for linux\/arm64/,
  ],
  [
    'choosing an image from manifest list: no image found in manifest list for architecture arm64, variant "", OS linux',
    NO_LOGIN,
    /no image for linux\/arm64/,
  ],
  ['image operating system "windows" cannot be used on this platform', NO_LOGIN, /no image for/],
  ['http: server gave HTTP response to HTTPS client', NO_LOGIN, /insecure registries/],
  ['x509: certificate signed by unknown authority', NO_LOGIN, /certificate/],
] as const)('the hint for %j fits', (words, login, hint) => {
  const failure = pullFailure(new Error(`(HTTP code 500) server error - ${words} `), {
    reference: parseReference('r.example/x:1'),
    platform: 'linux/arm64',
    login,
    kind: 'docker',
  });
  expect(failure.message).toBe(`image "r.example/x:1" cannot be pulled: ${words}`);
  expect(failure.hint).toMatch(hint);
});

test('a name that only the engine itself can have is told from a dead registry', () => {
  const failure = pullFailure(new Error('pinging container registry localhost: connection refused'), {
    reference: parseReference('localhost/x:1'),
    platform: undefined,
    login: NO_LOGIN,
    kind: 'podman',
  });
  expect(failure.hint).toMatch(/localhost\/ are of images made on the engine itself/);
});

test('words are one short line without secrets', () => {
  expect(oneLine('a\n  b\tpw-1', ['pw-1'])).toBe('a b ***');
  expect(oneLine('x'.repeat(1_000))).toHaveLength(400);
  expect(oneLine('initializing source docker://a:1: pinging: no')).toBe('pinging: no');
});
