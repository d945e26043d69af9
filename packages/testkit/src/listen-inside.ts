import assert from 'node:assert/strict';
import type { CompanionProcess, CompanionRunner, RunResult } from '@companion/core';

/** What the server does with each connection. Both need the client's end of sending to be told from its going away. */
export type ServerAnswer =
  /** Sends back what comes, until the client ends its side. */
  | 'echo'
  /** Says nothing until the client has ended its side, then the SHA-256 of what came, in hexadecimal digits. */
  | 'digest';

const NODE = `
const [port, answer] = process.argv.slice(1);
const { createHash } = require('node:crypto');
require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  if (answer === 'echo') { socket.pipe(socket); return; }
  const hash = createHash('sha256');
  socket.on('data', (bytes) => hash.update(bytes));
  socket.on('end', () => socket.end(hash.digest('hex') + '\\n'));
}).listen(Number(port), '127.0.0.1');
`;

const PYTHON = `
import hashlib, socket, socketserver, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        digest = hashlib.sha256()
        while True:
            data = self.request.recv(65536)
            if not data: break
            if sys.argv[2] == 'echo': self.request.sendall(data)
            else: digest.update(data)
        if sys.argv[2] != 'echo': self.request.sendall((digest.hexdigest() + '\\n').encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
`;

const PERL = `
use IO::Socket::INET;
my ($port, $answer) = @ARGV;
$SIG{CHLD} = 'IGNORE';
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1)
  or die "cannot listen: $@\\n";
while (my $socket = $server->accept) {
  next if fork;
  open STDIN, '<&', $socket; open STDOUT, '>&', $socket;
  close $socket; close $server;
  exec $answer eq 'echo' ? 'cat' : 'sha256sum';
}
`;

/**
 * In the order of what they cost. perl counts only with its sockets, which a minimal one lacks, and busybox's `nc` only
 * where it can serve more than one connection.
 */
const FIND_TOOL = `
if command -v sha256sum >/dev/null 2>&1 && perl -MIO::Socket::INET -e 1 2>/dev/null; then echo perl; exit; fi
for tool in node python3; do
  if command -v "$tool" >/dev/null 2>&1; then echo "$tool"; exit; fi
done
for tool in nc 'busybox nc'; do
  if $tool --help 2>&1 | grep -q -- '-lk'; then echo "$tool"; exit; fi
done
`;

/** What is there does not change: one look for all servers of a companion. */
const tools = new WeakMap<CompanionRunner, Promise<RunResult>>();

/**
 * Starts a TCP server inside, bound to 127.0.0.1 there as language servers and debuggers are. Resolves once its
 * process runs, which is before it listens: `waitForPort()` tells.
 *
 * Nothing in POSIX can listen, so it takes what the environment has: perl, node, python3 or busybox's nc. Where there
 * is none of them, it rejects and says so.
 */
export async function listenInside(
  runner: CompanionRunner,
  companionPort: number,
  answer: ServerAnswer = 'echo',
): Promise<CompanionProcess> {
  const looking = tools.get(runner) ?? runner.run('sh', ['-c', FIND_TOOL]);
  tools.set(runner, looking);
  const tool = (await looking).stdout.trim();
  const port = String(companionPort);
  switch (tool) {
    case 'node':
      return await runner.spawn('node', ['-e', NODE, port, answer]);
    case 'python3':
      return await runner.spawn('python3', ['-c', PYTHON, port, answer]);
    case 'perl':
      return await runner.spawn('perl', ['-e', PERL, port, answer]);
    case 'nc':
    case 'busybox nc': {
      const command = answer === 'echo' ? 'cat' : 'sha256sum';
      return await runner.spawn('sh', ['-c', `exec ${tool} -lk -s 127.0.0.1 -p ${port} -e ${command}`]);
    }
    default:
      assert.fail(
        'this case needs a TCP server inside, and the environment has none of perl, node, python3 and busybox nc; ' +
          'test with an image that has one',
      );
  }
}
