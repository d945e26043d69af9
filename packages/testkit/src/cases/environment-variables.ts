import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { CompanionRunner, EnvironmentVariables } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** A variable as a process inside sees it; `null` when it is not set, which is not the same as empty. */
async function seen(
  runner: CompanionRunner,
  name: string,
  env: EnvironmentVariables = {},
): Promise<string | null> {
  const script = `[ -n "\${${name}+set}" ] || exit 44; printf %s "$${name}"`;
  const { code, stdout, stderr } = await runner.run(...sh(script), { env, reject: false });
  if (code === 44) return null;
  assert.equal(code, 0, `the script that looks at ${name} failed: ${stderr}`);
  return stdout;
}

/** Names of all variables of a process; the backend may add marks of its own. */
async function names(runner: CompanionRunner, env: EnvironmentVariables): Promise<string[]> {
  const { stdout } = await runner.run('env', [], { env });
  return stdout
    .split('\n')
    .map((line) => line.slice(0, Math.max(0, line.indexOf('='))))
    .filter((name) => /^\w+$/.test(name) && !name.startsWith('COMPANION_'))
    .sort();
}

/** Runs with variables in this process's own environment, which other cases may be reading. */
async function withHostVariables(
  variables: Record<string, string>,
  work: () => Promise<void>,
): Promise<void> {
  Object.assign(process.env, variables);
  try {
    await work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

function uniqueName(): string {
  return `CASE_${randomBytes(6).toString('hex').toUpperCase()}`;
}

/** A program that says who it is, in a directory of its own below the working directory. */
async function makeTool(runner: CompanionRunner, directory: string, tool: string): Promise<string> {
  const script = 'mkdir -p "$1" && printf "#!/bin/sh\\necho $1\\n" > "$1/$2" && chmod 755 "$1/$2"';
  await runner.run(...sh(script, directory, tool));
  return runner.toCompanionPath(directory);
}

/** A process's variables: what is set is what it sees, and nothing that was kept from it. */
export const environmentVariablesCases: readonly ConformanceCase[] = [
  {
    id: 'environment-variables.set-override-remove',
    title: 'a process may set, override and remove variables, for itself alone',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ env: { KEPT: 'kept', CHANGED: 'before', REMOVED: 'there' } });
      const env = { CHANGED: 'after', REMOVED: undefined, ADDED: 'new' };
      for (const [name, expected] of [
        ['KEPT', 'kept'],
        ['CHANGED', 'after'],
        ['REMOVED', null],
        ['ADDED', 'new'],
      ] as const) {
        assert.equal(await seen(runner, name, env), expected, `${name} in the process`);
      }
      for (const [name, expected] of [
        ['CHANGED', 'before'],
        ['REMOVED', 'there'],
        ['ADDED', null],
      ] as const) {
        assert.equal(await seen(runner, name), expected, `${name} in the next process`);
      }
    },
  },
  {
    id: 'environment-variables.values',
    title: 'equals signs, line breaks, quotes, empty values and any character arrive as they are',
    since: 1,
    requires: {},
    run: async (context) => {
      const values = [
        'a=b',
        '=',
        'two\nlines',
        '\n',
        'trailing\n\n',
        'carriage\r\n',
        "it's",
        '"quoted"',
        '  spaces  ',
        '$HOME',
        '$(echo substituted)',
        '`x`',
        '*',
        'back\\slash\\',
        '%s',
        '',
        'gr\u00fc\u00dfe \u4f60\u597d \u{1f600}',
        ';&|<>()#!~',
      ];
      const variables = Object.fromEntries(values.map((value, index) => [`VALUE_${index}`, value]));
      const script = values.map((_, index) => `printf '%s\\000' "\${VALUE_${index}-unset}"`).join('; ');
      const ofCompanion = await (await context.start({ env: variables })).run(...sh(script));
      assert.deepEqual(ofCompanion.stdout.split('\0').slice(0, -1), values, 'as variables of the companion');
      const ofProcess = await (await context.start()).run(...sh(script), { env: variables });
      assert.deepEqual(ofProcess.stdout.split('\0').slice(0, -1), values, 'as variables of a process');
    },
  },
  {
    id: 'environment-variables.names',
    title: 'any name without an equals sign arrives, and upper and lower case differ',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const variables = {
        case_name: 'lower',
        CASE_NAME: 'upper',
        'case.name': 'dot',
        'case-name': 'dash',
        _: 'under',
      };
      const { stdout } = await runner.run('env', [], { env: variables });
      for (const [name, value] of Object.entries(variables)) {
        assert.ok(stdout.split('\n').includes(`${name}=${value}`), `${name} is there with its value`);
      }
      for (const name of ['a=b', '', 'a\0b']) {
        const running = runner.run('env', [], { env: { [name]: 'x' } });
        await assert.rejects(running, TypeError, `the name ${JSON.stringify(name)} is the caller's mistake`);
      }
    },
  },
  {
    id: 'environment-variables.large-value',
    title: 'a value of 100 KB arrives',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const large = '0123456789\u00e9=\n'.repeat(7_500);
      const arrived = await seen(await context.shared(), 'LARGE', { LARGE: large });
      assert.ok(arrived === large, `it arrives whole: ${arrived?.length} of ${large.length} characters`);
    },
  },
  {
    id: 'environment-variables.precedence',
    title: "a process's variables win over the companion's, and those over the environment's own",
    since: 1,
    requires: {},
    run: async (context) => {
      const plain = await context.start();
      // HOME is in every environment.
      const home = await seen(plain, 'HOME');
      assert.ok(home?.startsWith('/'), `the environment has a HOME of its own: ${home}`);
      assert.equal(await seen(plain, 'HOME', { HOME: '/process' }), '/process', 'a process overrides it');
      assert.equal(await seen(plain, 'HOME', { HOME: undefined }), null, 'a process removes it');

      const overriding = await context.create({ env: { HOME: '/option', OTHER: 'option' } });
      overriding.withEnv({ HOME: '/companion' });
      await overriding.init();
      assert.equal(
        await seen(overriding, 'HOME'),
        '/companion',
        'the companion overrides it, withEnv() last',
      );
      assert.equal(await seen(overriding, 'OTHER'), 'option', 'what withEnv() does not name stays');
      assert.equal(
        await seen(overriding, 'HOME', { HOME: '/process' }),
        '/process',
        'a process wins over both',
      );
      const built = overriding.newProcess('sh', '-c', 'printf %s "$HOME"');
      built.withEnv({ HOME: '/first' }).withEnv({ HOME: '/second' });
      assert.equal((await built.run()).stdout, '/second', 'of two withEnv() calls the later one wins');

      const removing = await context.start({ env: { HOME: undefined } });
      assert.equal(await seen(removing, 'HOME'), null, 'the companion removes it');
    },
  },
  {
    id: 'environment-variables.merged',
    title: 'variables are added to the environment, which stays otherwise what it was',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const before = await names(runner, {});
      assert.ok(
        before.includes('PATH') && before.includes('HOME'),
        `the environment has variables: ${before}`,
      );
      const name = uniqueName();
      assert.deepEqual(await names(runner, { [name]: 'x' }), [...before, name].sort(), 'one more, none less');
    },
  },
  {
    id: 'environment-variables.host-inherited',
    title: "a shared environment takes this process's variables by default",
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const name = uniqueName();
      await withHostVariables({ [name]: 'from the host' }, async () => {
        const runner = await context.start();
        assert.equal(await seen(runner, name), 'from the host', 'hostEnv is `inherit` by default');
        assert.equal(await seen(runner, name, { [name]: undefined }), null, 'a process may still remove it');
      });
    },
  },
  {
    id: 'environment-variables.host-kept-out',
    title: "an environment of its own takes none of this process's variables, whatever hostEnv says",
    since: 1,
    requires: { filesystem: ['bound', 'copied'] },
    run: async (context) => {
      const name = uniqueName();
      await withHostVariables({ [name]: 'from the host' }, async () => {
        for (const hostEnv of ['inherit', 'minimal', [name]] as const) {
          const runner = await context.start({ hostEnv });
          const demand = `with hostEnv ${JSON.stringify(hostEnv)} it is not there`;
          assert.equal(await context.due(demand, seen(runner, name)), null, demand);
          await runner.shutdown();
        }
      });
    },
  },
  {
    id: 'environment-variables.host-minimal',
    title: "with hostEnv 'minimal' nothing that a session has collected leaks in",
    since: 1,
    requires: {},
    run: async (context) => {
      const name = uniqueName();
      await withHostVariables(
        { [name]: 'a secret', [`${name}_PATH`]: '/x', [`NPM_${name}`]: 'x' },
        async () => {
          const runner = await context.start({ hostEnv: 'minimal' });
          const leaked = (await names(runner, {})).filter((candidate) => candidate.includes(name));
          assert.deepEqual(leaked, [], 'none of them is there');
          const { code } = await runner.run('sh', ['-c', 'command -v cat >/dev/null'], { reject: false });
          assert.equal(code, 0, 'PATH is there');
        },
      );
    },
  },
  {
    id: 'environment-variables.host-list',
    title: 'with a list as hostEnv a shared environment takes those variables and no other',
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const [listed, other, missing] = [uniqueName(), uniqueName(), uniqueName()];
      await withHostVariables({ [listed]: 'listed', [other]: 'other' }, async () => {
        const runner = await context.start({ hostEnv: [listed, missing] });
        assert.equal(await seen(runner, listed), 'listed', 'the one that is named is there');
        assert.equal(await seen(runner, other), null, 'the one that is not named is not');
        assert.equal(await seen(runner, missing), null, 'one that does not exist is not made up');
      });
    },
  },
  {
    id: 'environment-variables.append',
    title: 'withEnvAppend() appends after a separator, and sets what was unset or empty',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ env: { LIST: 'one', EMPTY: '' } });
      const { stdout } = await runner
        .newProcess('sh', '-c', 'printf "%s|" "$LIST" "$EMPTY" "$UNSET" "$OWN" "$WORDS"')
        .withEnv({ OWN: 'process' })
        .withEnvAppend('LIST', 'two')
        .withEnvAppend('LIST', 'three', ';')
        .withEnvAppend('EMPTY', 'value')
        .withEnvAppend('UNSET', 'value')
        .withEnvAppend('OWN', 'appended', ',')
        .withEnvAppend('WORDS', 'a', ' ')
        .withEnvAppend('WORDS', 'b', ' ')
        .run();
      assert.equal(stdout, 'one:two;three|value|value|process,appended|a b|', 'each as its calls say');
      assert.equal(await seen(runner, 'LIST'), 'one', 'the next process has what the companion has');
    },
  },
  {
    id: 'environment-variables.path-lookup',
    title: "a command is looked up in the process's own PATH",
    since: 1,
    requires: {},
    run: async (context) => {
      const tool = 'companion-case-tool';
      const runner = await context.start();
      const first = await makeTool(runner, 'first directory', tool);
      const second = await makeTool(runner, 'second', tool);
      await rejectsWith(runner.run(tool), 'COMPANION_COMMAND_NOT_FOUND', 'a tool in no directory of PATH');

      const appended = await runner
        .newProcess(tool)
        .withEnvAppend('PATH', first)
        .withEnvAppend('PATH', second)
        .run();
      assert.equal(
        appended.stdout,
        'first directory\n',
        'found in the PATH of the process; the first one wins',
      );
      const path = await seen(runner, 'PATH');
      const prepended = await runner.run(tool, [], { env: { PATH: `${second}:${first}:${path}` } });
      assert.equal(prepended.stdout, 'second\n', 'in the order of that PATH');
      // The system's own search would use the PATH of whoever starts the process.
      const empty = runner.run('sh', ['-c', 'exit 0'], { env: { PATH: runner.toCompanionPath('nowhere') } });
      await rejectsWith(empty, 'COMPANION_COMMAND_NOT_FOUND', 'sh, with a PATH that does not lead to it');

      const companion = await context.start({ env: { PATH: `${path}:${second}` } });
      // Where files are copied it has not got the first companion's.
      await makeTool(companion, 'second', tool);
      assert.equal(
        (await companion.run(tool)).stdout,
        'second\n',
        "the companion's PATH serves its processes",
      );
    },
  },
];
