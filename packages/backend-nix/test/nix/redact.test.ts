import { describe, expect, test } from 'vitest';
import { Redaction } from '../../src/nix/redact.js';

const shown = (text: string, env: Readonly<Record<string, string>> = {}): string =>
  new Redaction(env).apply(text);

describe('addresses', () => {
  test.each([
    ['https://tester:hunter2@example.org/x.git', 'https://***@example.org/x.git'],
    ['https://tester:hunt@er2@example.org/x.git', 'https://***@example.org/x.git'],
    ['ssh://git:hunt@er2@example.org/x', 'ssh://git:***@example.org/x'],
    ["'git+https://hunter2@example.org/x'", "'git+https://***@example.org/x'"],
    ['ssh://git:hunter2@example.org/x', 'ssh://git:***@example.org/x'],
    ['ssh://git@example.org/x', 'ssh://git@example.org/x'],
    [
      'https://example.org/x.tar.gz?token=hunter2&ref=main',
      'https://example.org/x.tar.gz?token=***&ref=main',
    ],
    ["'git+file:///x?dir=sub&rev=abc'", "'git+file:///x?dir=sub&rev=abc'"],
    ['/home/me/project/flake.nix:1:29', '/home/me/project/flake.nix:1:29'],
  ])('%s is shown as %s', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });
});

test('values of variables that are called secrets are not shown', () => {
  const env = {
    GITHUB_TOKEN: 'hunter2',
    MY_PASSWORD: 'hunter2-more',
    HOME: '/home/me',
    SSH_AUTH_SOCK: '/run/agent',
  };
  expect(shown('hunter2-more, hunter2 in /home/me and /run/agent', env)).toBe(
    '***, *** in /home/me and /run/agent',
  );
});

test('short values hide nothing, and are left', () => {
  expect(shown('a yes', { USE_TOKEN: 'yes' })).toBe('a yes');
});

test('tokens of the settings are not shown', () => {
  const env = { NIX_CONFIG: 'cores = 2\nextra-access-tokens = github.com=hunter2 gitlab.com=PAT:hunter3\n' };
  expect(shown('hunter2 and hunter3', env)).toBe('*** and ***');
});

test('values of settings are not shown', () => {
  expect(shown("illegal configuration line 'hunter2' in 'NIX_CONFIG'")).toBe(
    "illegal configuration line '…' in 'NIX_CONFIG'",
  );
  expect(shown("option 'sandbox' has invalid value 'hunter2'")).toBe(
    "option 'sandbox' has invalid value '…'",
  );
});

test('colours are left out', () => {
  expect(shown('\u001B[31;1merror:\u001B[0m no')).toBe('error: no');
});
