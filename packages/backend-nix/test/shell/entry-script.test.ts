import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { entryScript, reportScript } from '../../src/shell/entry-script.js';
import { PATH, withHook } from './entering.js';

// The last one is for systems without /proc.
test.each(['linux', 'darwin'] as const)(
  'the environment is reported as a command gets it, on %s',
  async (platform) => {
    const directory = await mkdtemp(join(tmpdir(), "companion's script-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const [script, report] = [join(directory, 'enter.sh'), join(directory, 'environment')];
    const shell = withHook(
      `export LINES_OF_TEXT=$'one\\ntwo'; f() { echo f; }; export -f f; echo noise; set -Ceu`,
    );
    await writeFile(report, '');
    await writeFile(
      script,
      entryScript(shell, (text) => text, directory) + reportScript('/bin/bash', report, platform),
    );
    await promisify(execFile)('/bin/bash', [script], { env: { PATH, 'not.a-name': '1' } });
    const entries = (await readFile(report, 'utf8')).split('\0');
    expect(entries.pop()).toBe('');
    expect(entries).toEqual(
      expect.arrayContaining([
        'LINES_OF_TEXT=one\ntwo',
        'BASH_FUNC_f%%=() {  echo f\n}',
        'not.a-name=1',
        'builder=/bin/bash',
        `TMPDIR=${directory}`,
      ]),
    );
  },
);
