// A registry that sends one half of a layer, and the rest so slowly that nobody waits for it. Says on standard output
// where it listens, and when a layer is asked for and given up.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const layer = randomBytes(1024 * 1024);
const config = Buffer.from(
  JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  }),
);
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  config: describe('application/vnd.docker.container.image.v1+json', config),
  layers: [describe('application/vnd.docker.image.rootfs.diff.tar', layer)],
});

createServer((request, response) => {
  const { url = '' } = request;
  if (url.includes('/manifests/')) {
    response.setHeader('content-type', JSON.parse(manifest).mediaType);
    response.setHeader('docker-content-digest', digestOf(manifest));
    response.setHeader('content-length', manifest.length);
    response.end(request.method === 'HEAD' ? undefined : manifest);
  } else if (url.endsWith(digestOf(config))) {
    response.end(config);
  } else if (url.endsWith(digestOf(layer))) {
    response.writeHead(200, { 'content-length': layer.length });
    response.write(layer.subarray(0, layer.length / 2));
    console.log('half');
    // Docker notices in the next byte that nobody wants the layer any more.
    const dripping = setInterval(() => response.write('x'), 100);
    response.on('close', () => {
      clearInterval(dripping);
      console.log('closed');
    });
  } else {
    response.end('{}');
  }
}).listen(0, '127.0.0.1', function () {
  console.log(`listening ${this.address().port}`);
});

// It ends with the test that started it, however that ends.
process.stdin.on('end', () => process.exit()).resume();

function digestOf(content) {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function describe(mediaType, content) {
  return { mediaType, size: content.length, digest: digestOf(content) };
}
