import { homedir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseMount, parsePort, parseSource } from '../src/option-values.js';
import { parseRun } from '../src/run-options.js';

const here = import.meta.dirname;
const parse = (...options: string[]) => parseRun([...options, '--', 'tool'], { SET: 'from here' });
const refusal = (message: string) =>
  expect.objectContaining({ message, code: 'COMPANION_USAGE', exitCode: 2 });

describe('parseRun()', () => {
  test('takes the command as it stands behind two dashes', () => {
    expect(parseRun(['--', 'tool', '--json', '--', ''], {})).toMatchObject({
      file: 'tool',
      args: ['--json', '--', ''],
      output: 'plain',
      talk: 'normal',
      tty: true,
    });
  });

  test('leaves out what was not asked for', () => {
    expect(Object.keys(parse().options).sort()).toEqual(['mounts', 'ports', 'sourceDir']);
  });

  test('turns every option into what core takes', () => {
    const { options, load, cwd, timeoutMs, talk, output, tty } = parse(
      ...['--load', './one.js', '--load', 'two#three'],
      ...['--backend', 'docker', '--image', 'node:24', '--pull', 'never', '--platform', 'linux/arm64'],
      ...['--no-fallback', '--require', 'filesystem=bound,copied', '--require', 'tty=true', '--source', here],
      ...[
        '--workspace',
        'host',
        '--mount',
        `${here}:/in:ro`,
        '-p',
        'web=8080:80',
        '-e',
        'A=b=c',
        '--env',
        'SET',
      ],
      ...['--env', 'UNSET', '--host-env', 'CI,TERM', '-w', 'sub', '-u', '1000:100', '--network', 'none'],
      ...['--memory', '1.5g', '--cpus', '0.5', '--processes', '64', '--name', 'lint', '--timeout', '1.5'],
      ...['--no-tty', '--json', '--verbose'],
    );
    expect(load).toEqual(['./one.js', 'two#three']);
    expect(options).toEqual({
      name: 'lint',
      sourceDir: here,
      workspaceDir: 'host',
      preferredBackend: 'docker',
      image: { reference: 'node:24', pull: 'never', platform: 'linux/arm64' },
      fallback: false,
      requires: { filesystem: ['bound', 'copied'], tty: [true] },
      mounts: [{ hostPath: here, companionPath: '/in', readOnly: true }],
      ports: [{ companionPort: 80, hostPort: 8080, name: 'web' }],
      env: { A: 'b=c', SET: 'from here', UNSET: undefined },
      hostEnv: ['CI', 'TERM'],
      user: { uid: 1000, gid: 100 },
      network: 'none',
      limits: { memoryBytes: 1_610_612_736, cpus: 0.5, processes: 64 },
    });
    expect(options.env).toHaveProperty('UNSET', undefined);
    expect({ cwd, timeoutMs, talk, output, tty }).toEqual({
      cwd: 'sub',
      timeoutMs: 1500,
      talk: 'verbose',
      output: 'json',
      tty: false,
    });
  });

  test.for([
    ['512m', 536_870_912],
    ['2G', 2_147_483_648],
    ['64KiB', 65_536],
    ['1kb', 1024],
    ['4096', 4096],
  ] as const)('--memory %s', ([given, bytes]) => {
    expect(parse('--memory', given).options.limits).toEqual({ memoryBytes: bytes });
  });

  test.for([
    [['--memory', '0'], '--memory: expected bytes above 0, got "0"'],
    [['--memory', '5x'], '--memory: expected bytes above 0, got "5x"'],
    [['--cpus', '-1'], '--cpus needs a value: --cpus NUMBER'],
    [['--cpus=-1'], '--cpus: expected a number of processors above 0, got "-1"'],
    [['--timeout', 'soon'], '--timeout: expected a number of seconds above 0, got "soon"'],
    [['--timeout', '0'], '--timeout: expected a number of seconds above 0, got "0"'],
    [['--user', 'root'], '--user: expected host, image or UID:GID, got "root"'],
    [['--user', '1000'], '--user: expected host, image or UID:GID, got "1000"'],
    [['--network', 'host'], '--network: expected default or none, got "host"'],
    [['--host-env', 'A,,B'], '--host-env: expected inherit, minimal or NAME,NAME,…, got "A,,B"'],
    [['--require', 'tty'], '--require: expected KEY=VALUE, got "tty"'],
    [['--pull', 'always'], '--pull needs an --image'],
    [['--platform', 'linux/amd64'], '--platform needs an --image'],
    [['--image', 'a', '--pull', 'often'], '--pull: expected missing, always or never, got "often"'],
    [['--source', '/nonexistent'], '--source: /nonexistent is not a directory'],
    [['--mount', '/nonexistent'], '--mount: /nonexistent does not exist'],
    [['--verbose', '--quiet'], '--verbose and --quiet exclude each other'],
    [['node', '--version'], 'unexpected "node"'],
  ] as const)('refuses %j', ([args, message]) => {
    expect(() => parse(...args)).toThrow(refusal(message));
  });

  test('never shows the value of a variable', () => {
    expect(() => parse('--env', '=secret')).toThrow(
      refusal('--env: expected NAME=VALUE or NAME, got no name'),
    );
  });

  test.for([[], ['--'], ['--', '']])('needs a command: %j', (args) => {
    expect(() => parseRun(args, {})).toThrow(refusal('no command to run'));
  });

  test('shows where the command belongs', () => {
    expect(() => parseRun(['node', '--version'], {})).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('companion run -- node') }),
    );
  });
});

describe('parseMount()', () => {
  test.for([
    [here, { hostPath: here }],
    [`${here}:ro`, { hostPath: here, readOnly: true }],
    [`${here}:rw`, { hostPath: here }],
    [`${here}:/inside`, { hostPath: here, companionPath: '/inside' }],
    [`${here}:/inside:ro,strict`, { hostPath: here, companionPath: '/inside', readOnly: true, strict: true }],
  ] as const)('%s', ([given, mount]) => {
    expect(parseMount(given)).toEqual(mount);
  });

  test.for(['', ':/inside', `${here}:inside/it`, `${here}:/a:/b`, `${here}:/a:wo`, `${here}:`])(
    'refuses "%s"',
    (given) => {
      expect(() => parseMount(given)).toThrow(
        refusal(`--mount: expected HOST[:INSIDE][:ro], got "${given}"`),
      );
    },
  );
});

describe('parsePort()', () => {
  test.for([
    ['4711', { companionPort: 4711 }],
    ['8080:80', { companionPort: 80, hostPort: 8080 }],
    ['lsp=4711', { companionPort: 4711, name: 'lsp' }],
    ['lsp=8080:80', { companionPort: 80, hostPort: 8080, name: 'lsp' }],
  ] as const)('%s', ([given, port]) => {
    expect(parsePort(given)).toEqual(port);
  });

  test.for(['', '0', '65536', '0:80', '80:', ':80', 'a', '=80', '1:2:3', '80/udp'])(
    'refuses "%s"',
    (given) => {
      expect(() => parsePort(given)).toThrow(refusal(`--port: expected [NAME=][HOST:]PORT, got "${given}"`));
    },
  );
});

describe('parseSource()', () => {
  test('takes the home directory only where somebody said so', () => {
    expect(parseSource(homedir())).toBe(homedir());
  });
});
