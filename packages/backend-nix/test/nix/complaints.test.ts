import { expect, test } from 'vitest';
import { Complaints } from '../../src/nix/complaints.js';
import { parseLogLine } from '../../src/nix/internal-json.js';
import { Redaction } from '../../src/nix/redact.js';

function linesOf(...lines: readonly (string | object)[]): readonly string[] {
  const complaints = new Complaints(new Redaction({}));
  for (const line of lines) {
    const entry = parseLogLine(typeof line === 'string' ? line : `@nix ${JSON.stringify(line)}`);
    if (entry !== undefined) complaints.add(entry);
  }
  return complaints.lines;
}

const words = (msg: string, level = 0) => ({ action: 'msg', level, msg });
const build = (id: number, derivation: string) => ({ action: 'start', fields: [derivation], id, type: 105 });
const prints = (id: number, line: string) => ({ action: 'result', fields: [line], id, type: 101 });

test('errors and warnings are kept, what Nix tells besides is not', () => {
  expect(linesOf(words('warning: w', 1), words('copying', 3), words('error: e'), 'fatal: f')).toEqual([
    'warning: w',
    'error: e',
    'fatal: f',
  ]);
});

test('what says nothing is left out', () => {
  const text = "error: e\n\n       at x:1:2:\n(use '--show-trace' to show detailed location information)";
  const retry = words('warning: error: unable to download: no; retrying in 310 ms', 1);
  expect(linesOf(retry, words("warning: Git tree '/x' is dirty", 1), words(text))).toEqual([
    'error: e',
    '       at x:1:2:',
  ]);
});

test('a failed build is told with the last of its own lines, and only its own', () => {
  const first = Array.from({ length: 12 }, (_, index) => prints(1, `line ${index}`));
  const lines = linesOf(
    build(1, '/nix/store/a-one.drv'),
    build(2, '/nix/store/b-two.drv'),
    prints(2, 'of two'),
    ...first,
    words("error: builder for '/nix/store/a-one.drv' failed with exit code 3"),
    words("error: 1 dependencies of derivation '/nix/store/c.drv' failed to build"),
  );
  expect(lines[0]).toContain('exit code 3');
  expect(lines.slice(1, 3)).toEqual(['       its last lines:', '       > line 2']);
  expect(lines.slice(-2)).toEqual([
    '       > line 11',
    "error: 1 dependencies of derivation '/nix/store/c.drv' failed to build",
  ]);
});

test('of progress that is drawn over itself the last is kept', () => {
  expect(linesOf('Receiving 10%\rReceiving 100%, done.\r')).toEqual(['Receiving 100%, done.']);
});

test('much is cut, and the end is kept', () => {
  const lines = linesOf(...Array.from({ length: 100 }, (_, index) => `line ${index}`), 'x'.repeat(10_000));
  expect(lines).toHaveLength(20);
  expect(lines.at(-2)).toBe('line 99');
  expect(lines.at(-1)).toHaveLength(500);
});
