import { cpSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BIN, companion, type Ended, start, startCompanion } from './companion-command.js';
import { makeProject } from './project.js';

const json = ({ stdout }: Ended) => JSON.parse(stdout.toString());
const LOCAL = createRequire(import.meta.url).resolve('@companion/backend-local/backend');

/** A backend module made from the local one. */
function moduleOf(changes: string): string {
  return `import { localBackend } from ${JSON.stringify(LOCAL)};
    export const notThis = 1;
    export const changed = { ...localBackend, ${changes} };`;
}

describe('companion conformance', () => {
  test('runs the cases that were named: a line each, then the sum', async () => {
    const { code, stdout, stderr } = await companion([
      'conformance',
      '@companion/backend-local',
      '--only',
      'arguments',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('passed   arguments.')).length).toBeGreaterThan(3);
    expect(lines.at(-1)).toMatch(/^local: \d+ passed, 0 failed, 0 skipped, 0 waived$/);
  });

  test('--json and --junit hold the same report', async () => {
    using project = makeProject();
    const junit = 'reports/conformance.xml';
    const ended = await companion(
      ['conformance', LOCAL, '--only', 'arguments.empty', '--json', '--junit', junit],
      {
        cwd: project.directory,
      },
    );
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(json(ended)).toMatchObject({ backend: 'local', counts: { failed: 0 } });
    expect(json(ended).cases[0]).toMatchObject({ id: 'arguments.empty', verdict: 'passed' });
    const xml = readFileSync(join(project.directory, junit), 'utf8');
    expect(xml).toContain('failures="0"');
    expect(xml).toContain('arguments.empty');
  });

  test('a backend that breaks the contract gives 1, with what it broke and how to run that alone', async () => {
    using project = makeProject();
    const faulty = `create: (request) => {
      const environment = localBackend.create(request);
      return { start: (o) => environment.start(o), stop: () => environment.stop(), shutdown: () => environment.shutdown(),
        resolveBinary: (f, at) => environment.resolveBinary(f, at),
        spawn: (command, o) => environment.spawn({ ...command, args: command.args.filter((arg) => arg !== '') }, o) };
    }`;
    project.write('package.json', '{ "type": "module" }');
    project.write('faulty.js', moduleOf(faulty));
    const { code, stdout } = await companion(['conformance', './faulty.js', '--only', 'arguments.empty'], {
      cwd: project.directory,
    });
    expect(code).toBe(1);
    expect(stdout.toString()).toContain('FAILED arguments.empty');
    expect(stdout.toString()).toContain('companion conformance ./faulty.js --only arguments.empty');
    const waived = await companion(
      ['conformance', 'faulty.js#changed', '--only', 'arguments.empty', '--waive', 'arguments.empty=ISSUE-7'],
      { cwd: project.directory },
    );
    expect(waived.code).toBe(0);
    expect(waived.stdout.toString()).toContain('1 waived');
  });

  test('a backend that this machine cannot offer is skipped, or fails with --require', async () => {
    using project = makeProject();
    project.write(
      'absent.mjs',
      moduleOf("detect: () => Promise.resolve({ available: false, reason: 'no engine' })"),
    );
    const options = { cwd: project.directory };
    const skipped = await companion(['conformance', 'absent.mjs', '--only', 'arguments'], options);
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).toBe('companion: nothing was shown: not available: no engine\n');
    expect(
      (await companion(['conformance', 'absent.mjs', '--only', 'arguments', '--require'], options)).code,
    ).toBe(1);
  });

  test('an interrupt cleans up and gives 130', async () => {
    const { child, ended, saw } = startCompanion(['conformance', '@companion/backend-local']);
    await saw('passed ');
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^companion: interrupted by SIGINT: \d+ cases had run\n$/);
  });

  test.for([
    ['./nope.js', 125, 'nope.js does not exist'],
    ['nope', 125, 'neither a file nor an installed package: nope'],
    ['.', 125, 'is not a file'],
    ['throws.mjs', 125, 'throws.mjs cannot be imported: no such luck'],
    ['none.mjs', 125, 'none.mjs exports no backend'],
    ['two.mjs#third', 125, 'two.mjs has no export third'],
    ['two.mjs#notThis', 125, 'the export notThis of two.mjs is not a backend'],
    ['source.ts', 125, 'source.ts cannot be imported'],
  ] as const)('%s gives %d: %s', async ([module, code, message]) => {
    using project = makeProject();
    project.write('throws.mjs', 'throw new Error("no such luck");');
    project.write('none.mjs', 'export const a = 1;');
    project.write('two.mjs', moduleOf(''));
    project.write('source.ts', 'export enum A {}');
    const ended = await companion(['conformance', module], { cwd: project.directory });
    expect(ended.code).toBe(code);
    expect(ended.stderr.split('\n')[0]).toContain(message);
    expect(ended.stdout.toString()).toBe('');
  });

  test('what the kit refuses is a mistake in the options', async () => {
    const ended = await companion(['conformance', LOCAL, '--only', 'no-such-area', '--json']);
    expect(ended.code).toBe(2);
    expect(json(ended)).toMatchObject({
      error: { code: 'COMPANION_USAGE', message: expect.stringContaining('no-such-area') },
    });
  });

  test('without the kit it says how to get it', async () => {
    // A copy of the command with nothing installed beside it.
    using project = makeProject();
    const bin = join(project.directory, 'dist/bin.js');
    cpSync(dirname(BIN), dirname(bin), { recursive: true });
    project.write('package.json', '{ "type": "module" }');
    const options = { cwd: project.directory, input: null };
    const { code, stderr } = await start(process.execPath, [bin, 'conformance', './x.js'], options).ended;
    expect(code).toBe(125);
    expect(stderr).toBe(
      'companion: the cases are in @companion/testkit, which is not installed\n  npm install --save-dev @companion/testkit\n',
    );
  });
});
