import { expect, it } from 'vitest';
import { sshArguments } from '../../src/engine/ssh-connection.js';
import { parseSshTarget } from '../../src/engine/ssh-target.js';

function argumentsFor(address: string): readonly string[] {
  const target = parseSshTarget(address);
  if (typeof target === 'string') throw new Error(target);
  return sshArguments(target);
}

it('calls ssh as the docker command does', () => {
  const args = argumentsFor('me@host:2222/run/user/1000/docker.sock');
  expect(args.join(' ')).toMatch(
    / -l me -p 2222 -- host docker --host=unix:\/\/\/run\/user\/1000\/docker\.sock system dial-stdio$/,
  );
  expect(args).toContain('-T');
  expect(args).toContain('BatchMode=yes');
  expect(argumentsFor('host').slice(-5)).toEqual(['--', 'host', 'docker', 'system', 'dial-stdio']);
  expect(argumentsFor('host/').slice(-5)).toEqual(['--', 'host', 'docker', 'system', 'dial-stdio']);
});

it('takes nothing for a target that ssh or a shell would read as something else', () => {
  for (const address of [
    '-oProxyCommand=x',
    '-l@host',
    '%2doProxyCommand=x',
    'host/a;b',
    'host/a%20b',
    'a b',
    'u:p@h',
  ]) {
    expect(parseSshTarget(address)).toEqual(expect.stringMatching(/^its? /));
  }
});
