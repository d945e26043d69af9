import { describe, expect, test } from 'vitest';
import type { DevEnv } from '../../src/shell/dev-env.js';
import { devEnv, entering, PATH } from './entering.js';

const exported = (value: string) => ({ type: 'exported', value }) as const;
const unexported = (value: string) => ({ type: 'var', value }) as const;

const SHELLS: Readonly<Record<string, DevEnv['variables']>> = {
  'a plain shell': { GREETING: exported('hello'), NOTE: unexported('only for hooks') },
  'values that need care': {
    QUOTES: exported(`'"\`$(exit 3)\${x}\\`),
    LINES: exported('\none\n\ntwo\n'),
    UNICODE: exported('日本 🎉'),
    CONTROL: exported('\x01\x1b[0m\r\t'),
    EMPTY: exported(''),
  },
  'lists and maps': {
    list: { type: 'array', value: ['a', "b 'c'"] },
    map: { type: 'associative', value: { 'a key': "v'" } },
  },
  'what bash has of its own': {
    IFS: unexported(':'),
    OPTERR: unexported('1'),
    SHELL: unexported('/bin/bash'),
  },
  'several outputs': {
    outputs: exported('out dev'),
    dev: exported('/store/dev'),
    FLAGS: exported('-L/store/dev/lib -R/store/hash-shell-env/lib'),
  },
  'structured outputs': {
    outputs: { type: 'associative', value: { out: '/store/hash-shell-env', bin: '/store/bin' } },
    FLAGS: exported('/store/bin/x'),
  },
  'directories of data': { XDG_DATA_DIRS: exported('/shell/share') },
  'an empty PATH': { PATH: exported('') },
};

const BASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a bare environment': { PATH },
  "a user's environment": {
    PATH,
    SHELL: '/usr/bin/zsh',
    HOME: '/home/user',
    TMPDIR: '/host/tmp',
    NIX_BUILD_TOP: '/host/build',
    PWD: '/host',
    SHLVL: '3',
    _: '/usr/bin/host',
    out: 'host',
    bin: 'host',
    NOTE: 'host',
    list: 'host',
    map: 'host',
    XDG_DATA_DIRS: '/host/share',
    'not.a-name': 'host',
    shellHook: 'exit 9',
    LINES: 'a\nb\n',
  },
};

describe.each(Object.keys(BASES))('over %s, what is computed is what bash would make', (base) => {
  test.each(Object.keys(SHELLS))('of %s', async (name) => {
    const { enter } = await entering();
    const hostEnv = BASES[base]!;
    // A hook that does nothing.
    const shell = devEnv({ ...SHELLS[name], shellHook: exported(':') });
    const computed = await enter(shell, { hostEnv, runHook: false });
    expect(computed).toEqual(await enter(shell, { hostEnv }));
    expect(computed).toMatchObject({ builder: '/bin/bash', PATH: expect.stringContaining(PATH) });
  });
});

test('a shell without a hook, or with an empty one, needs no bash', async () => {
  const { enter } = await entering();
  for (const shellHook of [undefined, '', ' \n\t']) {
    const variables = shellHook === undefined ? {} : { shellHook: exported(shellHook) };
    const shell = devEnv({ builder: exported('/no/such/bash'), ...variables });
    const env = await enter(shell, { hostEnv: { shellHook: 'exit 9' } });
    expect(env).toMatchObject({ PATH: '/shell/bin' });
    // Another shell's is nobody's.
    expect(env.shellHook).toBe(shellHook);
  }
});
