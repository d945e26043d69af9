// What can be seen of `backendOptions.docker` without any engine.
import { expect, test } from 'vitest';
import { containerCapabilities } from '../src/container/capabilities.js';
import { checkedOptions } from '../src/options.js';

test.each([
  ['host', ''],
  ['context', 1],
  ['capAdd', 'ALL'],
  ['capDrop', ['']],
  ['readOnlyRoot', 'yes'],
  ['tmpfs', ['relative']],
  ['tmpfs', [{ path: '/a', sizeBytes: 0 }]],
  ['tmpfs', [{ path: '/a', size: 1 }]],
  ['shmBytes', 1.5],
  ['gpus', 'some'],
  ['securityOptions', 'no-new-privileges'],
  ['networks', [{ aliases: [] }]],
  ['extraHosts', ['a:1.2.3.4']],
  ['labels', { name: 1 }],
  ['caches', { relative: 'volume' }],
  ['caches', { '/cache': '/host/path' }],
  ['engineSocket', '/var/run/docker.sock'],
  ['publish', [4000]],
  ['publish', [{ companionPort: 70_000 }]],
  ['publish', [{ companionPort: 1, protocol: 'sctp' }]],
  ['toString', 'x'],
  ['privileged', true],
])('a wrong %s is named: %j', (name, value) => {
  expect(() => checkedOptions({ [name]: value })).toThrow(TypeError);
  expect(() => checkedOptions({ [name]: value })).toThrow(name);
});

test('values are not shown: they may be secrets', () => {
  expect(() => checkedOptions({ labels: ['hunter2'] })).toThrow(expect.not.stringContaining('hunter2'));
});

test('host and context exclude each other', () => {
  expect(() => checkedOptions({ host: 'unix:///a', context: 'b' })).toThrow('got both');
});

test('what is undefined is not there', () => {
  expect(checkedOptions({ host: undefined, tmpfs: undefined })).toEqual({});
});

test('a capability that no kernel knows', () => {
  expect(() => containerCapabilities({ capDrop: ['FLY'] }, 'docker')).toThrow(
    'backendOptions.docker.capDrop: there is no capability FLY',
  );
});
