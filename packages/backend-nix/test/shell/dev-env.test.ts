import { expect, test } from 'vitest';
import { outputsOf, parseDevEnv } from '../../src/shell/dev-env.js';

const exported = (value: string) => ({ type: 'exported', value });

test('variables of all types and functions are kept as they are', () => {
  const variables = {
    GREETING: exported('hello'),
    IFS: { type: 'var', value: ' \t\n' },
    list: { type: 'array', value: ['a', 'b c'] },
    map: { type: 'associative', value: { k: 'v' } },
  };
  const bashFunctions = { 'x-y': ' \n    echo dashed\n' };
  expect(parseDevEnv(JSON.stringify({ variables, bashFunctions }))).toEqual({ variables, bashFunctions });
});

test('what newer versions of Nix say of structured attributes is kept, and of the shell itself is passed over', () => {
  const structuredAttrs = { '.attrs.json': '{}', '.attrs.sh': 'declare -A outputs=()' };
  const json = { variables: {}, bashFunctions: {}, structuredAttrs, meta: { 'min-bash-version': 5 } };
  expect(parseDevEnv(JSON.stringify(json))).toEqual({ variables: {}, bashFunctions: {}, structuredAttrs });
});

test('what Nix does not bring into a shell is left out', () => {
  const names = [
    'HOME',
    'TMPDIR',
    'TEMP',
    'NIX_BUILD_TOP',
    'SSL_CERT_FILE',
    'TERM',
    'TZ',
    'UID',
    'SHELLOPTS',
  ];
  const variables = {
    ...Object.fromEntries(names.map((name) => [name, exported('of the build')])),
    reference: { type: 'unknown' },
    'not.a-name': exported('1'),
    KEPT: exported('1'),
  };
  expect(Object.keys(parseDevEnv(JSON.stringify({ variables })).variables)).toEqual(['KEPT']);
});

test("bash's own SHELL is exported, as newer versions of Nix do", () => {
  const shell = parseDevEnv('{"variables":{"SHELL":{"type":"var","value":"/store/bash/bin/bash"}}}');
  expect(shell.variables).toEqual({ SHELL: exported('/store/bash/bin/bash') });
});

test('a variable may be called like a member of objects', () => {
  const shell = parseDevEnv(
    '{"variables":{"__proto__":{"type":"exported","value":"1"},"constructor":{"type":"var","value":"2"}}}',
  );
  expect(Object.entries(shell.variables).map(([name, { value }]) => [name, value])).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
  ]);
});

test.each([
  ['words', 'derived', 'not JSON'],
  ['nothing', '', 'not JSON'],
  ['a list', '[]', 'JSON without `variables`'],
  ['null', 'null', 'JSON without `variables`'],
  ['variables in a list', '{"variables":[]}', 'JSON without `variables`'],
])('%s instead of an environment: a typed error', (_, json, what) => {
  expect(() => parseDevEnv(json)).toThrow(
    expect.objectContaining({ code: 'COMPANION_START_FAILED', message: expect.stringContaining(what) }),
  );
});

test('outputs are known by name and path, however the derivation names them', () => {
  const paths = { out: exported('/store/out'), dev: exported('/store/dev') };
  const of = (variables: object) => Object.fromEntries(outputsOf(parseDevEnv(JSON.stringify({ variables }))));
  const all = { out: '/store/out', dev: '/store/dev' };
  expect(of({ ...paths, outputs: exported('out dev') })).toEqual(all);
  expect(of({ ...paths, outputs: exported(' out\n dev ') })).toEqual(all);
  expect(of({ ...paths, outputs: { type: 'array', value: ['out', 'dev'] } })).toEqual(all);
  expect(of({ outputs: { type: 'associative', value: all } })).toEqual(all);
  expect(of({ outputs: exported('out') })).toEqual({});
  expect(of({})).toEqual({});
});
