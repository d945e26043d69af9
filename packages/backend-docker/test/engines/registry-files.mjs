// Puts images where a registry (https://github.com/distribution/distribution) keeps its own: what is pulled from it
// needs no engine that has pushed it.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPE = 'application/vnd.docker';

/** @param image `{ name, config: Buffer, layers: [path of a tar file] }`; its tag is `1`. */
export function addToRegistry(folder, { name, config, layers }) {
  const storage = join(folder, 'docker/registry/v2');
  const repository = join(storage, 'repositories', name);
  const link = (path, digest) => write(join(repository, path, 'link'), digest);
  const addBlob = (bytes) => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    write(join(storage, 'blobs/sha256', hash.slice(0, 2), hash, 'data'), bytes);
    return { size: bytes.length, hash, digest: `sha256:${hash}` };
  };
  const addLayer = (bytes, mediaType) => {
    const { size, hash, digest } = addBlob(bytes);
    link(`_layers/sha256/${hash}`, digest);
    return { mediaType, size, digest };
  };
  const manifest = addBlob(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: `${TYPE}.distribution.manifest.v2+json`,
        config: addLayer(config, `${TYPE}.container.image.v1+json`),
        layers: layers.map((file) =>
          addLayer(gzipSync(readFileSync(file), { level: 1 }), `${TYPE}.image.rootfs.diff.tar.gzip`),
        ),
      }),
    ),
  );
  link(`_manifests/revisions/sha256/${manifest.hash}`, manifest.digest);
  link('_manifests/tags/1/current', manifest.digest);
  link(`_manifests/tags/1/index/sha256/${manifest.hash}`, manifest.digest);
}

function write(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
