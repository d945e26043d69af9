import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

// A Nix of its own: nothing of this machine's store is used or left behind.
const { missingNix, startNix } = await import(
  new URL('../../packages/backend-nix/test/engines/nix.mjs', import.meta.url).href
);
const standIn = join(import.meta.dirname, 'nixpkgs-stand-in');

describe('the dev shell', { skip: missingNix() ?? false }, () => {
  let nix;

  before(async () => {
    nix = await startNix();
  });

  after(() => nix?.stop());

  /** In a program of its own: what Nix is run with is the environment of the program. */
  async function printed(tools, options = {}) {
    const nixOptions = {
      ...options,
      args: ['--no-write-lock-file', '--override-input', 'nixpkgs', `path:${standIn}`],
    };
    const script = `
      const { printVersions } = await import(${JSON.stringify(join(import.meta.dirname, 'versions.js'))});
      await printVersions(${JSON.stringify(tools)}, ${JSON.stringify(nixOptions)});`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, ...nix.env },
    });
    return (await run).stdout;
  }

  test('has the tools of the examples', async () => {
    assert.equal(
      await printed(['node', 'buf', 'prettier']),
      'node: node of the shell\nbuf: buf of the shell\nprettier: prettier of the shell\n',
    );
  });

  test('is another one for another attribute', async () => {
    assert.equal(await printed(['node'], { attribute: 'node' }), 'node: node of the shell\n');
    await assert.rejects(printed(['buf'], { attribute: 'node' }), /COMPANION_COMMAND_NOT_FOUND/);
  });
});
