import assert from 'node:assert/strict';
import type { CompanionRunner } from '@companion/core';
import type { ConformanceCase } from '../case.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** What a process inside gets as its arguments, as it sees them. */
async function received(runner: CompanionRunner, words: readonly string[]): Promise<string[]> {
  // A zero byte is the one thing that cannot be in an argument.
  const { stdout } = await runner.run(...sh('for word in "$@"; do printf "%s\\000" "$word"; done', ...words));
  return stdout.split('\0').slice(0, -1);
}

/** What a shell would change, if anything between here and the process were one. */
const SPECIAL: readonly string[] = [
  'two words',
  ' leading and trailing ',
  '\ttab\t',
  "it's",
  '"quoted"',
  "'\"'\"'",
  '$HOME',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
  '${HOME}',
  '$(echo substituted)',
  '`echo substituted`',
  '$((1 + 1))',
  '*',
  '?',
  '[a-z]*',
  '{a,b}',
  '~',
  '~/x',
  '!!',
  '#comment',
  'a;b',
  'a && b || c',
  'a|b',
  'a > b < c',
  '(a)',
  '\\',
  'back\\slash',
  'trailing\\',
  '%s %d %%',
  'a\\nb',
  '=',
  'a=b',
  '@file',
  '',
];

/** Arguments are words, never shell text: what is passed is what arrives. */
export const argumentsCases: readonly ConformanceCase[] = [
  {
    id: 'arguments.special-characters',
    title: 'spaces, quotes, substitutions, globs and operators of the shell arrive as they are',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      assert.deepEqual(await received(runner, SPECIAL), SPECIAL, 'all of them in one call');
      const { stdout } = await runner.newProcess('printf', '%s|', ...SPECIAL).run();
      assert.equal(stdout, SPECIAL.map((word) => `${word}|`).join(''), 'newProcess(), without a shell');
    },
  },
  {
    id: 'arguments.empty',
    title: 'empty arguments arrive, wherever they stand',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const words of [[], [''], ['', ''], ['', 'a', '', 'b', ''], [' ', '']]) {
        assert.deepEqual(await received(runner, words), words, `${JSON.stringify(words)} as it is`);
      }
    },
  },
  {
    id: 'arguments.line-breaks',
    title: 'line breaks arrive, at the beginning, in the middle and at the end',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const words = ['a\nb', '\n', '\na', 'a\n', 'a\n\n', 'a\r\nb', '\r'];
      assert.deepEqual(await received(await context.shared(), words), words, 'nothing is trimmed or split');
    },
  },
  {
    id: 'arguments.unicode',
    title: 'characters beyond ASCII arrive as UTF-8, whatever the locale inside',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const words = [
        'gr\u00fc\u00dfe',
        'e\u0301',
        '\u4f60\u597d',
        '\u{1f600}',
        '\u05e9\u05dc\u05d5\u05dd',
        '\ufeffbom',
        '\u2028',
      ];
      for (const locale of [undefined, 'C', 'POSIX']) {
        const [file, args] = sh('for word in "$@"; do printf "%s\\000" "$word"; done', ...words);
        const { stdout } = await runner.run(file, args, { env: { LC_ALL: locale } });
        assert.deepEqual(stdout.split('\0').slice(0, -1), words, `with LC_ALL ${locale ?? 'not set'}`);
      }
    },
  },
  {
    id: 'arguments.leading-dashes',
    title: 'words that begin with dashes belong to the command, never to what starts it',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const words = ['-', '--', '-e', '--help', '--version', '-c', '--user=root', '-it', '-x=y'];
      assert.deepEqual(await received(runner, words), words, 'as arguments of a script');
      const { stdout } = await runner.run('printf', ['%s|', ...words]);
      assert.equal(stdout, words.map((word) => `${word}|`).join(''), 'as arguments of a program');
      // Here they come first.
      const { code } = await runner.run('sh', ['-e', '-c', 'false; echo not reached'], { reject: false });
      assert.equal(code, 1, 'as the first of all words');
    },
  },
  {
    id: 'arguments.large',
    title: 'an argument of 100 KB and a thousand arguments arrive',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      const large = 'a\u00e9 $x '.repeat(15_000);
      const [arrived, ...others] = await received(runner, [large]);
      assert.equal(others.length, 0, 'one of 100 KB arrives as one');
      assert.ok(
        arrived === large,
        `one of 100 KB arrives whole: ${arrived?.length} of ${large.length} characters`,
      );
      const many = Array.from({ length: 1000 }, (_, index) => `argument ${index}`);
      assert.deepEqual(await received(runner, many), many, 'a thousand, in order');
    },
  },
  {
    id: 'arguments.command-is-one-word',
    title: 'the command itself is one word: a name with spaces is a name, never shell text',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      for (const file of ['echo hi', 'echo;true', '$SHELL', 'sh -c true', 'true && true']) {
        await rejectsWith(runner.run(file), 'COMPANION_COMMAND_NOT_FOUND', `'${file}' is no command`);
      }
      const name = 'to ol $(x) \'"&;';
      await runner.run(
        ...sh('printf "#!/bin/sh\\necho ran with \\"\\$1\\"\\n" > "$1" && chmod 755 "$1"', name),
      );
      const { stdout } = await runner.run(runner.toCompanionPath(name), ['one word']);
      assert.equal(stdout, 'ran with one word\n', 'a program whose name needs quoting in a shell runs');
    },
  },
  {
    id: 'arguments.zero-byte',
    title: 'an argument with a zero byte, which no system can pass, is refused instead of cut',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      for (const args of [['a\0b'], ['fine', '\0']]) {
        await assert.rejects(
          runner.run('echo', args),
          TypeError,
          `${JSON.stringify(args)} is the caller's mistake`,
        );
      }
      await assert.rejects(runner.run('ec\0ho'), TypeError, 'in the command, too');
    },
  },
];
