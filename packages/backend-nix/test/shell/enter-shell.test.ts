// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of bash look like that
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { devEnv, entering, lives, PATH, withHook } from './entering.js';

const exported = (value: string) => ({ type: 'exported', value }) as const;

describe('what a hook changes', () => {
  test('is what it exports; what is for the build stays as the host has it', async () => {
    const { enter, cwd } = await entering();
    const shell = withHook('export HOOKED=$GREETING RESULT=$out WHERE=$PWD; KEPT_INSIDE=1', {});
    const hostEnv = { PATH, HOME: '/home/user', TMPDIR: '/host/tmp', SHLVL: '7', PWD: '/host' };
    const env = await enter(
      { ...shell, variables: { ...shell.variables, GREETING: exported('hello') } },
      { hostEnv },
    );
    expect(env).toEqual({
      ...hostEnv,
      PATH: `/shell/bin:${PATH}`,
      SHELL: '/bin/bash',
      GREETING: 'hello',
      HOOKED: 'hello',
      RESULT: join(cwd, 'outputs/out'),
      WHERE: cwd,
      builder: '/bin/bash',
      outputs: 'out',
      shellHook: shell.variables.shellHook?.value,
    });
  });

  test('a variable of the build with a value of the hook is kept', async () => {
    const { enter } = await entering();
    const env = await enter(withHook('export out=mine TMPDIR=/hook/tmp; unset TMP'), {
      hostEnv: { PATH, TMP: '/host/tmp', TEMP: '/host/temp' },
    });
    expect(env).toMatchObject({ out: 'mine', TMPDIR: '/hook/tmp', TMP: '/host/tmp', TEMP: '/host/temp' });
    expect(env).not.toHaveProperty('TEMPDIR');
  });

  test('functions of the shell are there for it, however long they are', async () => {
    const { enter } = await entering();
    const bashFunctions = Object.fromEntries(
      Array.from({ length: 400 }, (_, n) => [`phase${n}`, ` \n    echo ${'x'.repeat(1000)}\n`]),
    );
    bashFunctions.greet = ' \n    export GREETED="it\'s $1"\n';
    const env = await enter(withHook('greet you; export LENGTH=$(phase7 | wc -c)', { bashFunctions }));
    expect(env).toMatchObject({ GREETED: "it's you", LENGTH: '1001' });
  });

  test('its lists and maps are there for it, and reach no process', async () => {
    const { enter } = await entering();
    const variables = {
      list: { type: 'array', value: ['one', "two 'three'"] },
      map: { type: 'associative', value: { 'a key': 'a value' } },
      shellHook: exported('export SEEN="${list[1]}|${map[a key]}"; export list'),
    } as const;
    const env = await enter(devEnv(variables), { hostEnv: { PATH, list: 'host' } });
    expect(env.SEEN).toBe("two 'three'|a value");
    expect(env).not.toHaveProperty('list');
  });

  test('nothing that belongs to the running of it is left, in the environment or on the disk', async () => {
    const { enter, temporary } = await entering();
    const env = await enter(withHook('touch "$TMPDIR/scrap"; umask 777'), {
      hostEnv: { PATH, COMPANION_PROCESS_MARK: 'outer' },
    });
    expect(env.COMPANION_PROCESS_MARK).toBe('outer');
    expect(await enter(withHook(':'))).not.toHaveProperty('COMPANION_PROCESS_MARK');
    expect(await readdir(temporary)).toEqual([]);
  });

  test('what is left of it when this program is killed has a name that says whose it was', async () => {
    const { enter, temporary } = await entering();
    const env = await enter(withHook('export NAMES=$(ls "$TEMPORARY")'), {
      hostEnv: { PATH, TEMPORARY: temporary },
    });
    // As inTemporaryDirectory() looks for them.
    expect(env.NAMES).toMatch(new RegExp(`^companion-nix-${process.pid}-\\w{6}$`));
  });

  test('a hook that clears its temporary directory clears nothing else', async () => {
    const { enter, temporary } = await entering();
    await writeFile(join(temporary, 'mine'), '');
    const env = await enter(withHook('trap "echo late" EXIT; rm -rf "$NIX_BUILD_TOP"; export AFTER=1'));
    expect(env.AFTER).toBe('1');
    expect(await readdir(temporary)).toEqual(['mine']);
  });

  test('what it puts into its temporary directory may last', async () => {
    const { enter, root } = await entering();
    const directory = join(root, 'lasting');
    const options = { temporary: directory, hostEnv: { PATH, TMPDIR: '/host/tmp' } };
    expect(await enter(withHook('export SEEN=$TMPDIR'), options)).toMatchObject({
      SEEN: directory,
      TMPDIR: '/host/tmp',
    });
    expect(existsSync(directory)).toBe(false);
    const env = await enter(withHook('export SOCKET=$TMPDIR/socket; echo here >$SOCKET'), options);
    expect(await readFile(env.SOCKET ?? '', 'utf8')).toBe('here\n');
  });

  test('files of structured attributes last', async () => {
    const { enter, files } = await entering();
    const structuredAttrs = {
      '.attrs.json': '{"list":["a","b c"]}',
      '.attrs.sh': "declare -a list=('a' 'b c' )\n",
    };
    const variables = {
      NIX_ATTRS_JSON_FILE: exported('/build/.attrs.json'),
      NIX_ATTRS_SH_FILE: exported('/build/.attrs.sh'),
      outputs: { type: 'associative', value: { out: '/store/hash-shell-env' } },
      shellHook: { type: 'var', value: 'source "$NIX_ATTRS_SH_FILE"; export SEEN="${list[1]}|$out"' },
    } as const;
    const shell = devEnv(variables, { structuredAttrs });
    const env = await enter(shell, { hostEnv: { PATH, out: 'host', shellHook: 'exit 9' } });
    expect(env).not.toHaveProperty('shellHook');
    expect(env).toMatchObject({ SEEN: expect.stringMatching(/^b c\|\/.*\/outputs\/out$/), out: 'host' });
    expect(env).toEqual({
      ...(await enter(shell, { runHook: false, hostEnv: { PATH, out: 'host' } })),
      SEEN: env.SEEN,
    });
    expect(env.NIX_ATTRS_JSON_FILE).toBe(join(files, '.attrs.json'));
    expect(await readFile(env.NIX_ATTRS_JSON_FILE ?? '', 'utf8')).toBe(structuredAttrs['.attrs.json']);
    expect((await readdir(files)).sort()).toEqual(['.attrs.json', '.attrs.sh']);
  });
});

describe('what a hook prints', () => {
  test('comes line by line, in order, and is never taken for the environment', async () => {
    const { enter, lines } = await entering();
    const script = `echo out; echo err >&2; printf 'two\\r\\nFAKE=1\\0FAKE=2\\0'; echo; printf 'no line break: 日本'`;
    const env = await enter(withHook(script));
    expect(lines).toEqual(['out', 'err', 'two', 'FAKE=1\0FAKE=2\0', 'no line break: 日本']);
    expect(env).not.toHaveProperty('FAKE');
  });

  test('may be a lot', async () => {
    const { enter, lines } = await entering();
    await enter(withHook('for ((i = 0; i < 20000; i++)); do echo "line $i"; done; export AFTER=1'));
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)).toBe('line 19999');
  });

  test('is shown without colours and secrets, and no more of it than one can read', async () => {
    const { enter, lines } = await entering();
    const hook = `printf '\\033[31m%s\\033[0m\\n' "$MY_TOKEN"; printf 'x%.0s' {1..2000}; exit 1`;
    const entered = enter(withHook(hook), { hostEnv: { PATH, MY_TOKEN: 'hunter2' } });
    await expect(entered).rejects.toThrow(/; its last lines:\n {2}\*\*\*\n {2}x{499}…$/);
    expect(lines[0]).toBe('***');
  });

  test('may have nowhere to go', async () => {
    const { enter } = await entering();
    expect(await enter(withHook('exec >&- 2>&-; echo lost; export AFTER=1'))).toHaveProperty('AFTER', '1');
  });
});

describe('a hook that', () => {
  test.each([
    ['has a command that fails', 'false; (exit 3); no-such-command; export AFTER=1'],
    ['is written wrongly', 'export AFTER=1; eval "if then"'],
    ['exits on errors, and has none', 'set -eu; export AFTER=1'],
    ['reads standard input', 'read -r line; export AFTER=1$line'],
    [
      'forbids everything it can',
      `set -Cu; echo 'exit 7' >$TMPDIR/x; umask 777; export BASH_ENV=$TMPDIR/x AFTER=1 SHELLOPTS`,
    ],
  ])('%s enters the shell', async (_, script) => {
    const { enter } = await entering();
    expect(await enter(withHook(script))).toHaveProperty('AFTER', '1');
  });

  test.each([
    ['exits', 'echo first; echo last words; exit 3', 'exited with code 3'],
    ['exits quietly', 'echo last words; exit 0', 'exited with code 0'],
    ['fails with `set -e`', 'set -e; echo last words; false; echo never', 'exited with code 1'],
    ['becomes another program', 'exec echo last words', 'exited with code 0'],
    ['is killed', 'echo last words; kill -KILL $$', 'was ended by SIGKILL'],
  ])('%s has ended the shell', async (_, script, how) => {
    const { enter, temporary } = await entering();
    const error = await enter(withHook(script)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'COMPANION_START_FAILED',
      message: expect.stringContaining(how),
      hint: expect.stringContaining('backendOptions.nix.shellHook: false'),
    });
    expect((error as Error).message).toContain('last words');
    expect(await readdir(temporary)).toEqual([]);
  });

  test('leaves a process running does not wait for it, and it lives as long as the companion', async () => {
    const { enter, processes, lines, root } = await entering();
    const [pidFile, pipe] = [join(root, 'pid'), join(root, 'pipe')];
    const script = `mkfifo '${pipe}'; (read -r word <'${pipe}'; echo "later: $word"; exec sleep 600) & echo $! >'${pidFile}'; export AFTER=1`;
    const before = openPipes();
    const started = performance.now();
    expect(await enter(withHook(script))).toHaveProperty('AFTER', '1');
    expect(performance.now() - started).toBeLessThan(10_000);
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(lives(pid)).toBe(true);
    expect(openPipes()).toBe(before);
    await writeFile(pipe, 'word\n');
    await expect.poll(() => lines).toEqual(['later: word']);
    await processes.endAll();
    expect(lives(pid)).toBe(false);
  });

  test('does not end in time is ended, with all that it has started', async () => {
    const { enter, root, temporary } = await entering();
    const pidFile = join(root, 'pid');
    const script = `sleep 600 & echo $! >'${pidFile}'; echo waiting; wait`;
    await expect(enter(withHook(script), { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'COMPANION_START_FAILED',
      message: expect.stringMatching(/did not end within 500 ms.*\n {2}waiting/s),
    });
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(lives(pid)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
  });

  test('is given up ends with the reason of who gave up', async () => {
    const { enter, root, temporary } = await entering();
    const pidFile = join(root, 'pid');
    const controller = new AbortController();
    const entered = enter(
      withHook(`echo $$ >'${pidFile}.tmp'; mv '${pidFile}.tmp' '${pidFile}'; exec sleep 600`),
      {
        signal: controller.signal,
      },
    );
    const outcome = expect(entered).rejects.toThrow('enough');
    await expect.poll(() => existsSync(pidFile), { timeout: 10_000 }).toBe(true);
    controller.abort(new Error('enough'));
    await outcome;
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(lives(pid)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
    await expect(enter(withHook(':'), { signal: controller.signal })).rejects.toThrow('enough');
  });
});

describe('the bash of a hook', () => {
  test("is the host's where that of the derivation is gone", async () => {
    const { enter } = await entering();
    const shell = devEnv({
      builder: exported('/store/gone/bin/bash'),
      shellHook: exported('export AFTER=1'),
    });
    expect(await enter(shell)).toHaveProperty('AFTER', '1');
  });

  test('is nowhere: a typed error', async () => {
    const { enter } = await entering();
    const shell = devEnv({
      builder: exported('/store/gone/bin/bash'),
      SHELL: exported('/store/gone/bin/bash'),
      shellHook: exported('export AFTER=1'),
    });
    await expect(enter(shell, { hostEnv: { PATH: '/no/such/directory' } })).rejects.toMatchObject({
      code: 'COMPANION_START_FAILED',
      hint: expect.stringContaining('Install bash'),
    });
  });
});

/** Those that keep this process from ending. */
function openPipes(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'PipeWrap').length;
}
