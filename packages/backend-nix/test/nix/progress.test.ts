import { expect, test } from 'vitest';
import { parseLogLine } from '../../src/nix/internal-json.js';
import { Progress } from '../../src/nix/progress.js';

const STORE = '/nix/store/0123456789abcdfghijklmnpqrsvwxyz';

/** The sentence after these lines. */
function after(...lines: readonly object[]): string {
  const progress = new Progress();
  for (const line of lines) {
    const entry = parseLogLine(`@nix ${JSON.stringify(line)}`);
    if (entry !== undefined) progress.add(entry);
  }
  return progress.sentence;
}

const start = (id: number, type: number, fields: readonly (string | number)[] = [], more: object = {}) => ({
  action: 'start',
  fields,
  id,
  level: 3,
  text: '',
  type,
  ...more,
});
const result = (id: number, type: number, ...fields: readonly number[]) => ({
  action: 'result',
  fields,
  id,
  type,
});
const stop = (id: number) => ({ action: 'stop', id });
const transfer = (id: number, address: string, more?: object) => start(id, 101, [address], more);

test('what says nothing else is an evaluation', () => {
  expect(after()).toBe('evaluating');
  expect(after(start(1, 102), start(2, 104), start(3, 103))).toBe('evaluating');
});

test('a build is told by its name, and with the others that are needed', () => {
  const build = start(3, 105, [`${STORE}-hello-2.12.drv`, '', 1, 1]);
  expect(after(build)).toBe('building hello-2.12');
  expect(after(start(2, 104), build, result(2, 105, 3, 10, 1, 0))).toBe(
    'building hello-2.12 (3 of 10 builds are done)',
  );
  expect(after(build, stop(3))).toBe('evaluating');
});

test('of a build elsewhere the machine is told, and not who logs in there', () => {
  const build = start(1, 105, [`${STORE}-hello.drv`, 'ssh://builder@machine', 1, 1]);
  expect(after(build)).toBe('building hello on machine');
});

test('of several builds the latest is told, until it has ended', () => {
  const builds = ['one', 'two'].map((name, id) => start(id, 105, [`${STORE}-${name}.drv`, '', 1, 1]));
  expect(after(...builds)).toBe('building two');
  expect(after(...builds, stop(1))).toBe('building one');
});

test('a transfer is told with its address and bytes', () => {
  const address = 'https://example.org/x.tar.gz';
  expect(after(transfer(1, address))).toBe(`downloading ${address}`);
  expect(after(transfer(1, address), result(1, 105, 2 ** 20, 0, 0, 0))).toBe(
    `downloading ${address} (1.0 MiB)`,
  );
  expect(after(transfer(1, address), result(1, 105, 2 ** 20, 3 * 2 ** 20, 0, 0))).toBe(
    `downloading ${address} (1.0 of 3.0 MiB)`,
  );
});

test("a cache's answers about what it has are no downloads", () => {
  expect(after(transfer(1, 'https://cache.example.org/abc.narinfo'))).toBe('evaluating');
  expect(after(transfer(1, 'https://cache.example.org/nix-cache-info'))).toBe('evaluating');
});

test('what comes from a cache is told by its name, with the bytes of everything', () => {
  const copies = ['one', 'two'].map((name, id) =>
    start(10 + id, 100, [`${STORE}-${name}`, 'https://c', 'local']),
  );
  const transfers = [10, 11].map((parent) =>
    transfer(parent + 10, `https://c/nar/${parent}.nar.xz`, { parent }),
  );
  const planned = [start(1, 102), result(1, 106, 101, 10 * 2 ** 20)];
  const running = [...planned, ...copies, ...transfers, result(20, 105, 2 ** 20, 3 * 2 ** 20, 0, 0)];
  expect(after(...running)).toBe('downloading two (1.0 of 10.0 MiB)');
  expect(after(...running, stop(21), stop(11))).toBe('downloading one (1.0 of 10.0 MiB)');
  // One that has ended still counts.
  const second = [stop(20), result(21, 105, 2 ** 20, 7 * 2 ** 20, 0, 0)];
  expect(after(...running, ...second)).toBe('downloading two (2.0 of 10.0 MiB)');
});

test('an older Nix does not say what a transfer is for', () => {
  const copy = start(1, 100, [`${STORE}-one`, 'https://c', 'local']);
  expect(after(copy, transfer(2, 'https://c/nar/abc.nar.xz'))).toBe('downloading one');
  expect(after(transfer(2, 'https://c/nar/abc.nar.xz'))).toBe('downloading https://c/nar/abc.nar.xz');
});

test('other work is told in the words of Nix, as long as it is worth a word', () => {
  const other = (text: string, level = 4) => start(1, 0, [], { text, level });
  expect(after(other("copying '/home/me/project' to the store"))).toBe(
    "copying '/home/me/project' to the store",
  );
  expect(after(other('querying info about missing paths'))).toBe('evaluating');
  expect(after(other('opening a file', 6))).toBe('evaluating');
});
