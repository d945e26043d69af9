import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find((path) => existsSync(path));
/** The empty directory of its unprivileged part, which a system makes when it starts the server. */
const EMPTY = '/run/sshd';

/**
 * Starts an ssh server on loopback for this user, with keys of its own: everything is in one directory, and the user's
 * own settings are not looked at. What it lets in keeps its files there, too.
 *
 * @returns {Promise<{ reason: string } | { reason?: undefined, connection: import('../connection.js').SshOptions, multiplexed: import('../connection.js').SshOptions, home: string, stop: () => Promise<void> }>}
 */
export async function startSshd() {
  if (process.platform !== 'linux') return { reason: 'the machine in these tests is this one, with Linux' };
  if (SSHD === undefined || spawnSync('ssh', ['-V']).error !== undefined) {
    return { reason: 'there is no sshd or no ssh; on Debian: apt-get install openssh-server openssh-client' };
  }
  const directory = mkdtempSync(join(tmpdir(), 'sshd-'));
  const place = (name) => join(directory, name);
  if (process.getuid() === 0) mkdirSync(EMPTY, { recursive: true });
  for (const name of ['host', 'client']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', place(name)]);
  }
  copyFileSync(place('client.pub'), place('authorized'));
  const port = await freePort();
  writeFileSync(place('known'), `[127.0.0.1]:${port} ${readFileSync(place('host.pub'), 'utf8')}`);
  const home = place('home');
  mkdirSync(home);
  const settings = {
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
    // Many cases start several companions at once.
    MaxStartups: '100',
    MaxSessions: '100',
    // Nobody's start-up files, and nobody's files.
    SetEnv: `HOME=${home}`,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(place('config'), lines.join(''));
  // It ends with this program, whatever becomes of that.
  const watched = ['--pdeathsig', 'KILL', SSHD, '-D', '-e', '-f', place('config')];
  const sshd = spawn('setpriv', watched, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(sshd, 'exit');
  let log = '';
  await new Promise((resolve, reject) => {
    sshd.once('error', reject);
    void ended.then(() => reject(new Error(`sshd has ended: ${log}`)));
    sshd.stderr.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-4096);
      if (log.includes('Server listening')) resolve();
    });
  });
  sshd.unref();
  sshd.stderr.unref();
  const options = ['GlobalKnownHostsFile=none', `UserKnownHostsFile=${place('known')}`, 'IdentityAgent=none'];
  const connection = {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    identityFile: place('client'),
    options: [...options, 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes'],
  };
  /** All of a test's companions through one connection, as people set it up who start many. */
  const multiplexed = {
    ...connection,
    options: [
      ...connection.options,
      'ControlMaster=auto',
      `ControlPath=${place('master')}`,
      'ControlPersist=60',
    ],
  };
  const stop = async () => {
    if (existsSync(place('master'))) {
      execFileSync('ssh', ['-O', 'exit', '-o', `ControlPath=${place('master')}`, connection.host], {
        stdio: 'ignore',
      });
    }
    sshd.ref();
    sshd.kill();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  return { connection, multiplexed, home, stop };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
