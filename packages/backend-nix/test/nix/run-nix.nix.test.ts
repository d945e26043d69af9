import { existsSync } from 'node:fs';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { HostProcesses } from '@companion/backend-local/spawn';
import { CompanionError } from '@companion/core';
import { expect, test } from 'vitest';
import { findNix } from '../../src/nix/find-nix.js';
import { type NixCall, runNix } from '../../src/nix/run-nix.js';
import { makeFlake, SYSTEM, shell, shellFlake, type TestFlake } from '../engines/flakes.js';
import type { StartedNix } from '../engines/nix.mjs';
import { onNix } from '../engines/on-nix.js';

/** A call of itself would end soon, for lack of stack. */
const ENDLESS =
  'builtins.genericClosure { startSet = [ { key = 0; } ]; operator = one: [ { key = one.key + 1; } ]; }';
/** A dependency that says where it is, and then takes its time. */
const sleeper = (file: string): string =>
  shell(`name = "sleeper"; PATH = "/bin:/usr/bin"; args = [ "-c" "echo $$ > ${file}; sleep 1000 & wait" ];`);

onNix('a run of nix', (nix) => {
  const evaluate = (flake: TestFlake, call: Partial<NixCall> = {}): Promise<string> =>
    runNix(new HostProcesses(), callOf(nix(), flake, call));
  const failure = async (flake: TestFlake, call?: Partial<NixCall>): Promise<CompanionError> => {
    const error: unknown = await evaluate(flake, call).catch((reason: unknown) => reason);
    if (!CompanionError.is(error, 'COMPANION_START_FAILED')) throw error;
    expect(await readdir(nix().env.TMPDIR ?? '')).toEqual([]);
    return error;
  };
  const failureOf = async (text: string, call?: Partial<NixCall>): Promise<CompanionError> => {
    await using flake = await makeFlake(text);
    return await failure(flake, call);
  };
  /** The flake whose one shell is this expression. */
  const flakeOf = (expression: string, inputs = ''): string =>
    `{ ${inputs} outputs = { self, ... }: { devShells.${SYSTEM}.default = ${expression}; }; }`;

  test('gives what it prints, and leaves no temporary file', async () => {
    await using flake = await makeFlake(shellFlake('GREETING = "hello";'));
    const { variables } = JSON.parse(await evaluate(flake));
    expect(variables.GREETING).toEqual({ type: 'exported', value: 'hello' });
    expect(await readdir(nix().env.TMPDIR ?? '')).toEqual([]);
  });

  test('may take longer than a timer can wait', async () => {
    await using flake = await makeFlake(shellFlake(''));
    expect(JSON.parse(await evaluate(flake, { timeoutMs: 2 ** 40 }))).toHaveProperty('variables');
  });

  test('tells what is being built while it is being built', async () => {
    const sentences: string[] = [];
    const slow = shell('name = "slow"; PATH = "/bin:/usr/bin"; args = [ "-c" "sleep 1; echo done > $out" ];');
    await using flake = await makeFlake(shellFlake(`SLOW = ${slow};`));
    await evaluate(flake, { onProgress: (sentence) => sentences.push(sentence) });
    expect(sentences).toContain('building slow (0 of 2 builds are done)');
  });

  test('a syntax error is told with its place', async () => {
    const error = await failureOf('{ outputs = { self }: { broken = ; }; }');
    expect(error.message).toMatch(
      /^nix could not make the dev shell; its last lines:\n {2}error: syntax error, unexpected ';'/,
    );
    expect(error.message).toMatch(/flake\.nix:1:34/);
    expect(error.hint).toMatch(/Mend the file/);
  });

  test('a missing attribute is told with its name', async () => {
    const error = await failureOf(flakeOf('{}.tools'));
    expect(error.message).toContain("attribute 'tools' missing");
    expect(error.hint).toMatch(/Mend the name/);
  });

  test('a shell that the flake has not is told with what would list the others', async () => {
    const error = await failureOf(shellFlake(''), { args: ['print-dev-env', '--json', '.#ci'] });
    expect(error.message).toContain("does not provide attribute 'devShells.");
    expect(error.hint).toContain('nix flake show');
  });

  test('a missing flake.nix is told', async () => {
    await using empty = await makeFlake({ 'README.md': '' });
    const error = await failure(empty);
    expect(error.message).toContain('could not find a flake.nix');
    expect(error.hint).toContain('nix flake init');
  });

  test.each([
    ['flake.nix', 'README.md'],
    // Nix looks at the directories on the way.
    ['parts', 'flake.nix'],
  ])('of %s that git does not track the hint says what to do', async (file, tracked) => {
    await using flake = await makeFlake({
      'flake.nix': shellFlake('TOOLS = import ./parts/tools.nix;'),
      'parts/tools.nix': '"tools"',
      'README.md': '',
    });
    await flake.git('init', '--quiet');
    await flake.git('add', tracked);
    const error = await failure(flake);
    expect(error.hint).toContain(`git add --intent-to-add ${file}`);
    await flake.git('add', '--intent-to-add', '--all');
    expect(JSON.parse(await evaluate(flake)).variables.TOOLS.value).toBe('tools');
  });

  test('a file that is not there is told', async () => {
    const error = await failureOf(shellFlake('TOOLS = import ./tools.nix;'));
    expect(error.hint).toBe('There is no tools.nix in the flake.');
  });

  test('a flake elsewhere that is not there is told', async () => {
    await using flake = await makeFlake({ 'README.md': '' });
    const error = await failure(flake, { args: ['print-dev-env', '--json', `path:${flake.directory}/none`] });
    expect(error.message).toContain('No such file or directory');
    expect(error.hint).toBe(`There is no ${flake.directory}/none.`);
  });

  // Root may read everything.
  test.skipIf(process.getuid?.() === 0)('a flake that may not be read is told', async () => {
    await using flake = await makeFlake(shellFlake(''));
    await chmod(`${flake.directory}/flake.nix`, 0);
    expect((await failure(flake)).hint).toMatch(/right to read/);
  });

  test('more output than a shell can be is no shell', async () => {
    await using flake = await makeFlake(
      flakeOf(
        shell(`LARGE = builtins.concatStringsSep "" (builtins.genList (n: "${'x'.repeat(1024)}") 70000);`),
      ),
    );
    const args = ['eval', '--json', `.#devShells.${SYSTEM}.default.LARGE`];
    const error = await failure(flake, { args });
    expect(error.message).toBe('nix printed more than 67108864 bytes instead of a dev shell');
  });

  test('an input that cannot be fetched is told without the secrets of its address', async () => {
    const url = 'https://tester:hunter22@127.0.0.1:1/repository.git?token=hunter23';
    const error = await failureOf(
      shellFlake('').replace('{', `{ inputs.x.url = "git+${url}";`).replace('{ self }', '{ self, x }'),
    );
    expect(error.message).toMatch(/127\.0\.0\.1/);
    expect(error.message).not.toContain('hunter2');
    expect(error.hint).toMatch(/network/);
  });

  test('an archive that cannot be fetched is told once, though nix tries again', async () => {
    const error = await failureOf(
      flakeOf(shell(''), 'inputs.x.url = "http://127.0.0.1:1/x.tar.gz?token=hunter2";'),
    );
    expect(error.message.match(/unable to download/g)).toHaveLength(1);
    expect(error.message).not.toContain('hunter2');
    expect(error.hint).toMatch(/network/);
  });

  test('a name that no registry has is told', async () => {
    const error = await failureOf(flakeOf(shell(''), 'inputs.x.url = "nothing-of-this-name";'));
    expect(error.hint).toMatch(/whole reference/);
  });

  test.each([
    ['flakes', 'experimental-features = nix-command'],
    ['nix-command', 'experimental-features ='],
  ])('of the disabled feature %s the hint says how to enable it', async (_, NIX_CONFIG) => {
    const error = await failureOf(shellFlake(''), { env: { ...nix().env, NIX_CONFIG } });
    expect(error.hint).toContain('experimental-features = nix-command flakes');
  });

  test('a setting that Nix does not understand is told without its value', async () => {
    const error = await failureOf(shellFlake(''), { env: { ...nix().env, NIX_CONFIG: 'hunter2' } });
    expect(error.message).not.toContain('hunter2');
    expect(error.hint).toContain('NIX_CONFIG');
  });

  test('a daemon that cannot be reached is told', async () => {
    const error = await failureOf(shellFlake(''), { env: { ...nix().env, NIX_REMOTE: 'daemon' } });
    expect(error.message).toContain('cannot connect to socket');
    expect(error.hint).toMatch(/^Start the Nix daemon/);
  });

  test('a missing git is told', async () => {
    await using flake = await makeFlake(shellFlake(''), { git: true });
    const error = await failure(flake, { env: { ...nix().env, PATH: flake.directory } });
    expect(error.hint).toMatch(/^Install git/);
  });

  test('a lock file that may not be written is told', async () => {
    await using other = await makeFlake('{ outputs = { self }: { }; }');
    const error = await failureOf(flakeOf(shell(''), `inputs.other.url = "path:${other.directory}";`), {
      args: ['print-dev-env', '--json', '--no-update-lock-file'],
    });
    expect(error.hint).toContain('nix flake lock');
  });

  test('of a failed build the last lines are told, and what shows all of them', async () => {
    const failing = shell('name = "failing"; args = [ "-c" "echo first; echo the-reason >&2; exit 3" ];');
    const error = await failureOf(shellFlake(`DEPENDENCY = ${failing};`));
    expect(error.message).toMatch(
      /failing\.drv' failed with exit code 3\n.*its last lines:\n.*> first\n.*> the-reason/,
    );
    expect(error.message).not.toContain('\u001B');
    expect(error.hint).toMatch(/`nix log \S+-failing\.drv`/);
  });

  test('a shell whose builder is not bash is told', async () => {
    const error = await failureOf(shellFlake('builder = "/bin/false";'));
    expect(error.hint).toContain('pkgs.mkShell');
  });

  test('content of another hash is told', async () => {
    const fixed = 'outputHashAlgo = "sha256"; outputHashMode = "flat"; outputHash = "";';
    const error = await failureOf(shellFlake(`FETCHED = ${shell(`name = "fetched"; ${fixed}`)};`));
    expect(error.message).toContain('hash mismatch');
    expect(error.hint).toContain('hash');
  });

  test.each([
    ['what only an impure evaluation may read', 'import /etc/hosts', 'backendOptions.nix.impure'],
    ['a shell that is none', '1', 'nix flake show'],
    ['a recursion without an end', 'let x = x; in x', '--show-trace'],
    ['a shell for another system', shell('system = "riscv64-linux";'), 'another kind of machine'],
  ])('%s is told with a hint', async (_, expression, hint) => {
    expect((await failureOf(flakeOf(expression))).hint).toContain(hint);
  });

  test("the flake's own words are told, without a hint of ours", async () => {
    const error = await failureOf(flakeOf('throw "use the other shell"'));
    expect(error.message).toContain('error: use the other shell');
    expect(error.hint).toBeUndefined();
  });

  test('an evaluation that never ends is ended', async () => {
    const error = await failureOf(flakeOf(ENDLESS), { timeoutMs: 500 });
    expect(error.message).toMatch(/had not made the dev shell after 500 ms: it was evaluating/);
    expect(error.hint).toContain('evaluationTimeoutMs');
  });

  test('a build that never ends is ended, and nothing is left of it', async () => {
    await using flake = await makeFlake('');
    const file = `${flake.directory}/pid`;
    await flake.write({ 'flake.nix': shellFlake(`SLEEPER = ${sleeper(file)};`) });
    const error = await failure(flake, { timeoutMs: 2000 });
    expect(error.message).toContain('it was building sleeper');
    expect(isRunning(await readFile(file, 'utf8'))).toBe(false);
  });

  test("an abort rejects with the signal's reason once nothing is left", async () => {
    await using flake = await makeFlake('');
    const file = `${flake.directory}/pid`;
    await flake.write({ 'flake.nix': shellFlake(`SLEEPER = ${sleeper(file)}; ANOTHER = "";`) });
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = evaluate(flake, { signal: controller.signal });
    await untilFile(file);
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(isRunning(await readFile(file, 'utf8'))).toBe(false);
    expect(await readdir(nix().env.TMPDIR ?? '')).toEqual([]);
  });

  test('nothing starts with a signal that has been aborted', async () => {
    await using flake = await makeFlake(shellFlake(''));
    const reason = new Error('enough');
    await expect(evaluate(flake, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

function callOf({ env }: StartedNix, { directory: cwd }: TestFlake, call: Partial<NixCall>): NixCall {
  const program = findNix(env);
  if (program === undefined) throw new Error('nix is not there');
  return { program, args: ['print-dev-env', '--json'], env, cwd, timeoutMs: 60_000, ...call };
}

async function untilFile(path: string): Promise<void> {
  while (!existsSync(path) || (await readFile(path, 'utf8')) === '') {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isRunning(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}
