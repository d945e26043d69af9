import { describe, expect, test } from 'vitest';
import { causeOf, type FailureKind } from '../../src/nix/failure-cause.js';
import { makeFlake } from '../engines/flakes.js';

// What this machine's Nix says is tried with it; these are words of other releases, of Lix, and of other machines.
const WORDS: readonly (readonly [FailureKind, string])[] = [
  [
    'feature-disabled',
    "error: experimental Nix feature 'flakes' is disabled; add '--extra-experimental-features flakes' to enable it",
  ],
  [
    'feature-disabled',
    "error: experimental Lix feature 'flakes' is disabled; use '--extra-experimental-features flakes' to override",
  ],
  [
    'feature-disabled',
    "error: experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it",
  ],
  ['daemon', "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused"],
  ['daemon', "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Permission denied"],
  [
    'daemon',
    "error: cannot open connection to remote store 'daemon': error: reading from file: Connection reset by peer",
  ],
  ['store', 'error: creating directory "/nix/store": Permission denied'],
  ['store', "error: don't have permission to lock Nix database in '/nix/var/nix/db'."],
  ['store', "error: opening lock file '/nix/var/nix/db/big-lock': Permission denied"],
  ['sandbox', "error: the group 'nixbld' specified in 'build-users-group' does not exist"],
  ['sandbox', 'error: cloning builder process: Operation not permitted'],
  [
    'sandbox',
    'error: this system does not support the kernel namespaces that are required for sandboxing; use --no-sandbox to disable sandboxing',
  ],
  ['no-space', 'error: writing to file: No space left on device'],
  ['no-space', "error: executing SQLite statement 'insert': database or disk is full"],
  ['git', "error: repository path '/home/other/project' is not owned by current user"],
  ['git', "fatal: detected dubious ownership in repository at '/home/other/project'"],
  ['syntax', 'error: syntax error, unexpected end of file, expecting INHERIT'],
  ['not-tracked', 'error: Path \'flake.nix\' in the repository "/home/me/project" is not tracked by Git.'],
  [
    'lock-file',
    "error: cannot write modified lock file of flake 'git+file:///x' (use '--no-write-lock-file' to ignore)",
  ],
  ['lock-file', "error: opening file '/home/me/project/flake.lock': Read-only file system"],
  ['unreadable', "error: opening file '/home/me/project/flake.nix': Permission denied"],
  ['no-flake', "error: source tree referenced by 'git+file:///x' does not contain a '/flake.nix' file"],
  [
    'missing-file',
    "error: path '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/none.nix' does not exist",
  ],
  ['missing-file', "error: path '/none' does not exist"],
  ['no-shell', "error: flake 'path:/x' does not provide attribute 'devShells.x86_64-linux.ci' or 'ci'"],
  ['no-shell', "error: attribute 'ci' in selection path 'ci' not found"],
  ['hash', "error: NAR hash mismatch in input 'path:/x', expected 'sha256-a' but got 'sha256-b'"],
  ['hash', "error: mismatch in field 'narHash' of input '{…}', got '{…}'"],
  [
    'impure',
    "error: access to absolute path '/etc' is forbidden in pure evaluation mode (use '--impure' to override)",
  ],
  [
    'refused',
    "error: unable to download 'https://api.github.com/repos/a/b/commits/HEAD': HTTP error 403\n\n response body:\n\n rate limit exceeded",
  ],
  [
    'refused',
    "fatal: could not read Username for 'https://example.org': terminal prompts disabled\nerror: program 'git' failed with exit code 128",
  ],
  [
    'refused',
    'git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.',
  ],
  ['not-found', "error: unable to download 'https://api.github.com/repos/a/b/commits/HEAD': HTTP error 404"],
  ['network', "error: unable to download 'https://cache.nixos.org/x': Could not resolve hostname (6)"],
  [
    'network',
    "fatal: unable to access 'https://example.org/x.git/': Failed to connect to example.org port 443",
  ],
  [
    'system',
    "error: a 'aarch64-darwin' with features {} is required to build '/nix/store/x.drv', but I am a 'x86_64-linux' with features {}",
  ],
  [
    'system',
    "error: Cannot build '/nix/store/x.drv'.\n       Reason: required system or feature not available",
  ],
  [
    'not-allowed',
    'error: Package ‘unrar-7’ in /nix/store/x has an unfree license (‘unfreeRedistributable’), refusing to evaluate.',
  ],
  ['recursion', 'error: stack overflow; max-call-depth exceeded'],
  ['attribute', "error: attribute 'nodejs_99' missing"],
  ['attribute', "error: undefined variable 'pkg'"],
  ['build', "error: Cannot build '/nix/store/x.drv'.\n       Reason: builder failed with exit code 1."],
  ['build', "error: builder for '/nix/store/x.drv' failed with exit code 1;"],
];

test.each(WORDS)('%s: %s', (kind, words) => {
  const cause = causeOf(words.split('\n'), '/');
  expect(cause?.kind).toBe(kind);
  expect(cause?.hint).toMatch(/^[A-Z`].*\.$/);
});

describe('the hint', () => {
  test('for a feature that is not about flakes names it', () => {
    const words = "error: experimental Nix feature 'pipe-operators' is disabled";
    expect(causeOf([words], '/')?.hint).toContain('extra-experimental-features = pipe-operators');
  });

  test('for a missing file depends on whether it is there', async () => {
    await using project = await makeFlake({ 'tools.nix': '', '.git/HEAD': '', 'sub/flake.nix': '' });
    const words = (file: string) => [
      `error: path '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/${file}' does not exist`,
    ];
    expect(causeOf(words('tools.nix'), `${project.directory}/sub`)?.hint).toContain(
      'git add --intent-to-add tools.nix',
    );
    expect(causeOf(words('others.nix'), `${project.directory}/sub`)?.hint).toBe(
      'There is no others.nix in the flake.',
    );
  });

  test('for a missing flake.nix, too', async () => {
    await using project = await makeFlake({ 'flake.nix': '' });
    await using empty = await makeFlake({ 'README.md': '' });
    const words = ["error: source tree referenced by 'git+file:///x' does not contain a '/flake.nix' file"];
    expect(causeOf(words, project.directory)?.hint).toContain('git add --intent-to-add flake.nix');
    expect(causeOf(words, empty.directory)?.hint).toContain('nix flake init');
  });

  test('for a socket that is closed to this user is another than for one that nobody listens on', () => {
    const hint = (why: string) =>
      causeOf([`error: cannot connect to socket at '/nix/socket': ${why}`], '/')?.hint;
    expect(hint('Permission denied')).toContain('group');
    expect(hint('Connection refused')).toMatch(/^Start the Nix daemon/);
  });

  test('is not for what a build has printed', () => {
    const words = [
      "error: builder for '/nix/store/x.drv' failed",
      '       > main.c: syntax error, unexpected brace',
    ];
    expect(causeOf(words, '/')?.kind).toBe('build');
  });

  test('there is none where Nix says something else', () => {
    expect(causeOf(['error: use the other shell'], '/')).toBeUndefined();
    expect(causeOf([], '/')).toBeUndefined();
  });
});
