// The images of the tests, as files that both engines load and a registry serves. Made once, and kept in
// node_modules/.cache for as long as what they are made of stays the same.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeLayer } from './image-layers.mjs';
import { addToRegistry } from './registry-files.mjs';

export const REGISTRY = '127.0.0.1:5000';
export const PRIVATE_REGISTRY = '127.0.0.1:5001';

const COMMAND =
  'echo "command: $(id -un) in $PWD, $GREETING"; trap "exit 0" TERM; while :; do sleep 1000 & wait $!; done';

const IMAGES = {
  busybox: { layers: ['busybox'], config: { Env: ['PATH=/bin'], Cmd: ['sh'] } },
  scratch: { layers: ['scratch'], config: {} },
  node: {
    layers: ['busybox', 'node'],
    config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Cmd: ['node'] },
    inRegistry: false, // too large to be compressed for nothing
  },
  // Of those, what this machine has.
  tools: {
    layers: ['busybox', 'node', 'tools'],
    config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'GIT_TEMPLATE_DIR='], Cmd: ['node'] },
    inRegistry: false,
  },
  entrypoint: {
    layers: ['busybox', 'entrypoint'],
    config: {
      Env: ['PATH=/bin', 'GREETING=hello world'],
      Entrypoint: ['/entrypoint', '--flag'],
      Cmd: ['sh', '-c', COMMAND],
      User: 'tester',
      WorkingDir: '/srv/work',
      ExposedPorts: { '8080/tcp': {} },
    },
  },
  // Those that no engine has until it is pulled.
  large: {
    layers: ['busybox', 'large-1', 'large-2', 'large-3'],
    config: { Env: ['PATH=/bin'] },
    loaded: false,
  },
  private: {
    layers: ['busybox', 'private'],
    config: { Env: ['PATH=/bin'] },
    loaded: false,
    registry: 'private',
  },
};

/** Names of the images that an engine has from the start. */
export const LOADED_IMAGES = Object.keys(IMAGES).filter(
  (name) => IMAGES[name].loaded !== false && (name !== 'tools' || missingTools() === undefined),
);

export const referenceOf = (name) =>
  `${IMAGES[name].registry === 'private' ? PRIVATE_REGISTRY : REGISTRY}/companion/${name}:1`;

/** @returns `{ folder }` with the files, or `{ reason }`. */
export function prepareImages() {
  const busybox = staticBusybox();
  if (busybox === undefined) {
    return {
      reason: 'there is no static busybox for the test images; on Debian: apt-get install busybox-static',
    };
  }
  const parts = ['images', 'image-layers', 'registry-files'].map(
    (name) => new URL(`${name}.mjs`, import.meta.url),
  );
  const hash = createHash('sha256').update(process.version);
  for (const file of parts) hash.update(readFileSync(file));
  const programs = { busybox, git: onPath('git'), ssh: onPath('ssh'), npm: npmFolder() };
  for (const file of [process.execPath, ...Object.values(programs).filter((one) => one !== undefined)]) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}`);
  }
  const cache = fileURLToPath(new URL('../../../../node_modules/.cache/companion', import.meta.url));
  const folder = join(cache, `test-images-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(folder)) makeImages(programs, cache, folder);
  return { folder };
}

/** Files of an image in that folder, for an engine's `/images/load`. */
export const archiveOf = (folder, name) => join(folder, `${name}.tar`);

/** What a registry of that kind (`open`, `private`) starts with. */
export const registryOf = (folder, kind) => join(folder, 'registries', kind);

function makeImages(programs, cache, folder) {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'making-'));
  const done = join(work, 'done');
  mkdirSync(done);
  const diffIds = new Map();
  const layerFile = (layer) => join(work, `${layer}.tar`);
  for (const [name, { layers, config, ...where }] of Object.entries(IMAGES)) {
    if (name === 'tools' && missingTools() !== undefined) continue;
    for (const layer of layers.filter((one) => !diffIds.has(one))) {
      writeLayer(layer, { programs, folder: join(work, 'layers', layer), file: layerFile(layer) });
      diffIds.set(layer, digest(readFileSync(layerFile(layer))));
    }
    const described = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        created: '1970-01-01T00:00:00Z',
        config,
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${diffIds.get(layer)}`) },
        history: layers.map((layer) => ({ created: '1970-01-01T00:00:00Z', created_by: layer })),
      }),
    );
    if (where.loaded !== false) {
      const files = [`${digest(described)}.json`, ...layers.map((layer) => `${layer}.tar`)];
      const [Config, ...Layers] = files;
      writeFileSync(join(work, Config), described);
      writeFileSync(
        join(work, 'manifest.json'),
        JSON.stringify([{ Config, RepoTags: [referenceOf(name)], Layers }]),
      );
      execFileSync('tar', ['-C', work, '-cf', archiveOf(done, name), 'manifest.json', ...files]);
    }
    if (where.inRegistry !== false) {
      const image = { name: `companion/${name}`, config: described, layers: layers.map(layerFile) };
      addToRegistry(registryOf(done, where.registry ?? 'open'), image);
    }
  }
  try {
    renameSync(done, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else somebody else was faster
  }
  rmSync(work, { recursive: true });
  removeOld(cache, folder);
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** What was made of other versions, and what somebody has not finished; not what may be in use. */
function removeOld(cache, kept) {
  for (const name of readdirSync(cache).filter((one) => /^(making|test-images)-/.test(one))) {
    const folder = join(cache, name);
    const ageMs = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (folder !== kept && ageMs > 86_400_000) rmSync(folder, { recursive: true, force: true });
  }
}

/** Why there is no image with them; undefined when there is. */
export function missingTools() {
  const missing = Object.entries({ git: onPath('git'), ssh: onPath('ssh'), npm: npmFolder() })
    .filter(([, found]) => found === undefined)
    .map(([name]) => name);
  return missing.length === 0 ? undefined : `this machine has no ${missing.join(', ')} for the image`;
}

function onPath(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}

/** Of the npm that came with this Node, or is on PATH. */
function npmFolder() {
  const npm = onPath('npm');
  return npm === undefined ? undefined : dirname(dirname(realpathSync(npm)));
}

/** A busybox that runs where there is nothing else. */
function staticBusybox() {
  return [...(process.env.PATH ?? '').split(delimiter), '/bin', '/usr/bin']
    .map((folder) => join(folder, 'busybox'))
    .find((file) => existsSync(file) && spawnSync('ldd', [file]).status !== 0);
}
