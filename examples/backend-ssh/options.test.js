import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sshBackend } from './backend.js';
import { checkedOptions, shellCommand } from './connection.js';

const wrong = {
  'a host that is an option': { host: '-oProxyCommand=touch x' },
  'a host with a blank': { host: 'a b' },
  'a host that says the user': { host: 'me@machine' },
  'no host': {},
  'an empty host': { host: '' },
  'a text': 'machine',
  'a port that cannot be': { host: 'machine', port: 0 },
  'a user that is an option': { host: 'machine', user: '-l' },
  'a file of another type': { host: 'machine', identityFile: 1 },
  'a list of options that is a text': { host: 'machine', options: 'ProxyJump=gate' },
  'an option with a dash': { host: 'machine', options: ['-F/dev/null'] },
  'an unknown name': { host: 'machine', hostname: 'machine' },
};

for (const [what, options] of Object.entries(wrong)) {
  test(`${what} is refused`, async () => {
    assert.throws(() => checkedOptions(options), {
      name: 'TypeError',
      message: /^backendOptions\.ssh.*expected.*got/,
    });
    const { available, reason } = await sshBackend.detect({ backendOptions: options }, {});
    assert.equal(available, false);
    assert.match(reason, /backendOptions\.ssh/);
  });
}

test('what ssh_config(5) may call a machine is accepted', () => {
  for (const host of [
    'machine',
    'machine.example.org',
    '192.0.2.1',
    '2001:db8::1',
    'fe80::1%eth0',
    'my_alias',
  ]) {
    assert.equal(checkedOptions({ host }).host, host);
  }
  checkedOptions({
    host: 'machine',
    port: 22,
    user: 'me',
    identityFile: '/key',
    options: ['ProxyJump=gate'],
  });
  checkedOptions({ host: 'machine', port: undefined });
});

test('nothing goes to a shell that it could take for more than a word', () => {
  assert.equal(shellCommand('echo "$1"', 'a b'), `exec sh -c 'echo "$1"' 'companion' 'a b'`);
  for (const word of ["it's", 'back\\slash', 'history!'])
    assert.throws(() => shellCommand('true', word), /quoted/);
});
