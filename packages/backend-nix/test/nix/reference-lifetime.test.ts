import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lifetimeOf } from '../../src/nix/reference-lifetime.js';

const REVISION = '0123456789abcdef0123456789abcdef01234567';

/** Variables of a Nix whose user has these settings. */
async function environment(files: Readonly<Record<string, string>> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'companion-registry-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await mkdir(join(directory, 'nix'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, 'nix', name), text);
  return { HOME: directory, XDG_CONFIG_HOME: directory, XDG_CONFIG_DIRS: directory, NIX_CONF_DIR: directory };
}

const registry = (id: string, type: string) => ({
  'registry.json': JSON.stringify({ version: 2, flakes: [{ from: { type: 'indirect', id }, to: { type } }] }),
});

describe('a reference means the same', () => {
  test.each([
    [`github:owner/name/${REVISION}`, 'always'],
    [`nixpkgs/${REVISION}?dir=lib`, 'always'],
    [`git+file:///there?rev=${REVISION}`, 'always'],
    ['github:owner/name', 'hour'],
    ['github:owner/name/branch', 'hour'],
    ['git+https://example.org/x?ref=main', 'hour'],
    [`https://example.org/${REVISION}?download`, 'hour'],
    ['nixpkgs', 'hour'],
    ['flake:nixpkgs/branch', 'hour'],
    ['git+file:///there?ref=main', 'moment'],
    [`./${REVISION}?ref=main`, 'moment'],
    ['./there?ref=main', 'moment'],
    ['/there', 'moment'],
    ['tarball+file:///there.tar.gz', 'moment'],
    ['whatever:there', 'moment'],
  ])('%s: %s', async (reference, expected) => {
    expect(lifetimeOf(reference, await environment())).toBe(expected);
  });
});

test('a name goes by what the registries of this machine have for it', async () => {
  expect(lifetimeOf('mine', await environment(registry('mine', 'path')))).toBe('moment');
  expect(lifetimeOf('mine/branch', await environment(registry('mine', 'git')))).toBe('moment');
  expect(lifetimeOf('mine', await environment(registry('mine', 'github')))).toBe('hour');
  expect(lifetimeOf('other', await environment(registry('mine', 'path')))).toBe('hour');
  expect(lifetimeOf('mine', await environment({ 'registry.json': '{' }))).toBe('hour');
  expect(lifetimeOf('mine', await environment({ 'nix.conf': 'flake-registry = /there.json' }))).toBe(
    'moment',
  );
  const NIX_CONFIG = 'flake-registry = https://example.org/registry.json';
  expect(lifetimeOf('mine', { ...(await environment()), NIX_CONFIG })).toBe('hour');
});
