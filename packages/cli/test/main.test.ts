import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { main } from '../src/main.js';

async function run(...args: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const stdin = new PassThrough().end();
  const code = await main(args, { stdinIsTerminal: false, openStdin: () => stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

describe('main()', () => {
  test.for([['--help'], ['-h'], ['help']])('%j tells the commands', async (args) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stdout).toContain('companion <command>');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test.for(['run', 'doctor', 'conformance'])('%s tells what it takes, however it is asked', async (name) => {
    const asked = await Promise.all([run(name, '--help'), run(name, '-h'), run('help', name)]);
    for (const { code, stdout, stderr } of asked) {
      expect(stdout).toContain(`Usage: companion ${name}`);
      expect(stdout).toContain('Exit codes:');
      expect(stdout).toBe(asked[0].stdout);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });

  test('no line of a help text is wider than 120 columns', async () => {
    for (const name of ['', 'run', 'doctor', 'conformance']) {
      const { stdout } = await run('help', name);
      expect(stdout.split('\n').filter((line) => line.length > 120)).toEqual([]);
    }
  });

  test('tells its version', async () => {
    expect(await run('--version')).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/),
      stderr: '',
    });
  });

  test.for([
    [[], 'which command?', 'One of run, doctor, ps, prune, conformance; see companion --help.'],
    [['dcotor'], 'unknown command "dcotor"', 'Did you mean companion doctor?'],
    [['node', '-v'], 'unknown command "node"', 'to run a program: companion run -- node'],
    [['--quiet', 'run'], 'unknown option --quiet', 'See companion --help.'],
    [['constructor'], 'unknown command "constructor"', 'Commands are run, doctor, ps, prune, conformance'],
    [['doctor', 'now'], 'unexpected "now"', 'See companion doctor --help.'],
    [['doctor', '--jsno'], 'unknown option --jsno', 'Did you mean --json?'],
    [['conformance'], 'which backend?', 'companion conformance ./my-backend.js#myBackend'],
    [['conformance', './a.js', './b.js'], 'unexpected "./b.js"', 'One module at a time.'],
    [['conformance', './a.js', '--waive', 'x'], '--waive: expected ID=ISSUE, got "x"', ''],
    [['conformance', './a.js', '--revision', '0'], '--revision: expected a number from 1, got "0"', ''],
  ] as const)('%j is a mistake: a sentence, a way out, exit code 2', async ([args, message, hint]) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toBe(`companion: ${message}`);
    expect(stderr).toContain(hint);
  });

  test('a mistake is JSON on stdout where --json is asked for', async () => {
    const { code, stdout, stderr } = await run('doctor', '--json', '--bogus');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'COMPANION_USAGE', message: 'unknown option --bogus', hint: expect.any(String) },
    });
  });

  test("what stands behind two dashes is the command's", async () => {
    const { code, stdout } = await run('run', '--bogus', '--', 'tool', '--json', '--help');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
