import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { listening } from './peer.js';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find((path) => existsSync(path));
export const hasSshd =
  process.platform === 'linux' && SSHD !== undefined && spawnSync('ssh', ['-V']).error === undefined;

/**
 * A machine behind ssh, which is this one: an ssh server on loopback for this user, with keys of its own in `directory`.
 * `variables` are those of what it runs. In `bin` is an `ssh` that knows it as `machine` and no settings of this user.
 */
export async function startSshd(directory: string, variables: Readonly<Record<string, string>>) {
  const place = (name: string) => join(directory, name);
  // The empty directory of its unprivileged part, which a system makes when it starts the server.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'client']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', place(name)]);
  }
  copyFileSync(place('client.pub'), place('authorized'));
  const { port, ...reserved } = await listening(createServer());
  await reserved[Symbol.asyncDispose]();
  writeFileSync(place('known'), `[127.0.0.1]:${port} ${readFileSync(place('host.pub'), 'utf8')}`);
  const lines = (settings: Record<string, unknown>) =>
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join('');
  writeFileSync(
    place('config'),
    lines({
      ListenAddress: '127.0.0.1',
      Port: port,
      HostKey: place('host'),
      AuthorizedKeysFile: place('authorized'),
      PidFile: 'none',
      StrictModes: 'no',
      UsePAM: 'no',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      PermitRootLogin: 'prohibit-password',
      MaxStartups: '100',
      SetEnv: Object.entries(variables)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    }),
  );
  writeFileSync(
    place('client-config'),
    lines({
      'Host machine\n': '',
      HostName: '127.0.0.1',
      Port: port,
      User: userInfo().username,
      IdentityFile: place('client'),
      'Host *\n': '',
      IdentitiesOnly: 'yes',
      IdentityAgent: 'none',
      GlobalKnownHostsFile: 'none',
      UserKnownHostsFile: place('known'),
      StrictHostKeyChecking: 'yes',
    }),
  );
  mkdirSync(place('bin'));
  const program = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  writeFileSync(place('bin/ssh'), `#!/bin/sh\nexec ${program} -F '${place('client-config')}' "$@"\n`);
  chmodSync(place('bin/ssh'), 0o755);
  // It ends with this program, whatever becomes of that.
  const sshd = spawn('setpriv', ['--pdeathsig', 'KILL', SSHD ?? 'sshd', '-D', '-e', '-f', place('config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(sshd, 'exit');
  let log = '';
  await new Promise<void>((resolve, reject) => {
    sshd.once('error', reject);
    void ended.then(() => reject(new Error(`sshd has ended: ${log}`)));
    sshd.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4096);
      if (log.includes('Server listening')) resolve();
    });
  });
  return {
    port,
    bin: place('bin'),
    async stop() {
      sshd.kill();
      await ended;
    },
  };
}

/** Processes of ssh that this program has started, by their ids. */
export function sshChildren(): number[] {
  const listed = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', `${process.pid}`], {
    encoding: 'utf8',
  }).stdout;
  const lines = listed.split('\n').filter((line) => /dial-stdio/.test(line) && !/<defunct>/.test(line));
  return lines.map((line) => Number.parseInt(line, 10));
}
