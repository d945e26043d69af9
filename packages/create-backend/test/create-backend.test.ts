import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createBackend, installPackages, newFolder, run } from './new-folder.js';

describe('npm create @companion/backend', () => {
  test('makes a package that is named after its folder, and says what to do next', async () => {
    using folder = newFolder();
    const { code, stdout, stderr } = await createBackend(folder.directory, 'companion-backend-two-words');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('a backend named two-words');
    expect(stdout).toContain('  cd companion-backend-two-words\n  npm install\n  npm test');
    const made = join(folder.directory, 'companion-backend-two-words');
    const read = (file: string) => readFileSync(join(made, file), 'utf8');
    expect(JSON.parse(read('package.json'))).toMatchObject({
      name: 'companion-backend-two-words',
      exports: { '.': { default: './index.js' }, './backend': { default: './backend.js' } },
      sideEffects: ['./index.js'],
      scripts: { test: 'node conformance.js' },
      peerDependencies: { '@companion/core': '>=0.1.0 <1.0.0' },
      devDependencies: { '@companion/testkit': '>=0.1.0 <1.0.0' },
    });
    expect(read('backend.js')).toContain('export const twoWordsBackend = {');
    expect(read('backend.js')).toContain("name: 'two-words'");
    expect(read('backend.js')).toContain('new TwoWordsEnvironment(request)');
    expect(read('backend.d.ts')).toContain('twoWordsBackend: Backend');
    expect(read('conformance.js')).toContain("module: './backend.js#twoWordsBackend'");
    expect(read('.github/workflows/ci.yml')).toContain('COMPANION_REQUIRE_BACKENDS: two-words');
    expect(read('.gitignore')).toContain('node_modules/');
    const files = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.\w+$/.test(file),
    );
    for (const file of files.filter((one) => one !== '.github')) {
      expect(read(file), file).not.toMatch(/template/i);
    }
  });

  test('fills the current directory when it has nothing but a repository', async () => {
    using folder = newFolder();
    const made = join(folder.directory, 'my-backend');
    mkdirSync(join(made, '.git'), { recursive: true });
    const { code, stdout } = await createBackend(made);
    expect(code).toBe(0);
    expect(stdout).toContain('a backend named my ');
    expect(stdout).not.toContain('cd ');
    expect(existsSync(join(made, 'backend.js'))).toBe(true);
  });

  test.for([
    ['full', 'full is not empty: it has kept.txt, for one'],
    ['file', 'file is a file'],
    ['My.Backend', 'lower-case letters and digits, in words with dashes between them, got "My.Backend"'],
    ['-x', "Unknown option '-x'"],
    ['backend-local', "local is the name of one of Companion's own backends"],
    ['2fast', 'got "2fast"'],
    ['a-', 'got "a-"'],
  ] as const)('refuses %s with code 2 and writes nothing: %s', async ([name, message]) => {
    using folder = newFolder();
    mkdirSync(join(folder.directory, 'full'));
    writeFileSync(join(folder.directory, 'full/kept.txt'), 'mine');
    writeFileSync(join(folder.directory, 'file'), 'mine');
    const before = readdirSync(folder.directory, { recursive: true });
    const { code, stdout, stderr } = await createBackend(folder.directory, name);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toContain(message);
    expect(stderr.split('\n')[1]).toMatch(/^ {2}\w/);
    expect(readdirSync(folder.directory, { recursive: true })).toEqual(before);
  });

  test('takes one folder, and tells its options and its version', async () => {
    using folder = newFolder();
    expect(await createBackend(folder.directory, 'a', 'b')).toMatchObject({ code: 2 });
    const help = await createBackend(folder.directory, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Usage: npm create @companion/backend [folder]');
    const { stdout } = await createBackend(folder.directory, '--version');
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(readdirSync(folder.directory)).toEqual([]);
  });
});

describe('what it makes', () => {
  test('fails at once, with the rules of the first step that is not done and where to begin', async () => {
    using folder = newFolder();
    await createBackend(folder.directory, 'my-backend');
    const made = join(folder.directory, 'my-backend');
    installPackages(made);
    const startedAt = performance.now();
    const { code, stdout, stderr } = await run(made, 'conformance.js');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(stdout).toMatch(
      /^step 1 of 8 {2}detection: \d+ passed, 0 failed, 0 skipped\nstep 2 of 8 {2}exit-status: /,
    );
    const [first] = [...stdout.matchAll(/^ {2}to do {2}(\S+): /gm)];
    expect(first?.[1]).toBe('exit-status.codes');
    expect(stdout).toContain('FAILED exit-status.codes\n');
    expect(stdout).toContain('spawn() in backend.js cannot start sh yet: https://');
    expect(stdout).not.toContain('step 3');
  });

  test('has types that hold, and says where a filled-in method breaks the contract', async () => {
    using folder = newFolder();
    await createBackend(folder.directory, 'my-backend');
    const made = join(folder.directory, 'my-backend');
    installPackages(made);
    expect(typeFaults(made)).toBe('');
    const path = join(made, 'backend.js');
    writeFileSync(path, readFileSync(path, 'utf8').replace("filesystem: 'shared'", "filesystem: 'sharde'"));
    expect(typeFaults(made)).toMatch(/backend\.js.*'"sharde"' is not assignable/s);
  });

  test('is skipped, and says so, where the backend is not available', async () => {
    using folder = newFolder();
    await createBackend(folder.directory, 'my-backend');
    const made = join(folder.directory, 'my-backend');
    installPackages(made);
    const path = join(made, 'backend.js');
    const absent = "return { available: false, reason: 'no engine' };";
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, source.replace('return { available: true, detail: process.platform };', absent));
    const { code, stdout } = await run(made, 'conformance.js');
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing was shown: not available: no engine');
  });
});

/** What the compiler says of the sources; empty when nothing. */
function typeFaults(made: string): string {
  const require = createRequire(import.meta.url);
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const types = [
    '--types',
    'node',
    '--typeRoots',
    join(dirname(require.resolve('@types/node/package.json')), '..'),
  ];
  const options = [
    '--noEmit',
    '--allowJs',
    '--checkJs',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--skipLibCheck',
  ];
  const target = ['--module', 'nodenext', '--target', 'es2023'];
  try {
    return execFileSync(
      process.execPath,
      [compiler, ...options, ...target, ...types, 'backend.js', 'index.js'],
      { cwd: made, encoding: 'utf8' },
    );
  } catch (error) {
    return (error as { readonly stdout: string }).stdout;
  }
}
