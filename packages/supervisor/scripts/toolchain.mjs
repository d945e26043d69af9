// What the prebuilt programs were made of: the C sources, and the Debian packages that compiled them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)));
export const nativeFolder = join(packageFolder, 'native');
export const prebuiltFolder = join(packageFolder, 'prebuilt');
export const programPath = (arch) => join(`linux-${arch}`, 'companion-supervisor');

/** Per architecture: the compiler's command, the packages whose versions decide the bytes, and those that bring them. */
export const TOOLCHAINS = {
  x64: {
    command: 'musl-gcc',
    decisive: ['gcc-12', 'binutils', 'musl-dev'],
    install: ['gcc', 'musl-tools'],
  },
  arm64: {
    command: 'aarch64-linux-gnu-gcc',
    decisive: ['gcc-12-aarch64-linux-gnu', 'binutils-aarch64-linux-gnu', 'libgcc-12-dev-arm64-cross'],
    install: ['gcc-aarch64-linux-gnu'],
  },
};

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** One hash of everything that native/build.sh compiles, and of itself. */
export function hashSources() {
  const files = readdirSync(nativeFolder).filter((file) => /\.(c|h|ld)$|^build\.sh$/.test(file));
  return sha256(
    files
      .sort()
      .map((file) => `${file}\0${sha256(readFileSync(join(nativeFolder, file)))}\n`)
      .join(''),
  );
}

function installedVersion(name) {
  const asked = spawnSync('dpkg-query', ['--show', name], { encoding: 'utf8' });
  return asked.status === 0 ? (asked.stdout.trim().split('\t')[1] ?? 'none') : 'none';
}

// There is no arm64 package in the database of an x64 system: fetch-musl-arm64.sh leaves the version beside the files.
function muslForArm64() {
  const file = join(packageFolder, 'node_modules/.cache/musl-arm64/version');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : installedVersion('musl-dev:arm64');
}

/** The versions that compile for this architecture here, as one line. */
export function describeToolchain(arch) {
  const versions = TOOLCHAINS[arch].decisive.map((name) => `${name} ${installedVersion(name)}`);
  if (arch === 'arm64') versions.push(`musl-dev:arm64 ${muslForArm64()}`);
  return versions.join(', ');
}

/** Compiles for this architecture; the reason if it fails. */
export function build(arch, output) {
  const built = spawnSync('sh', [join(nativeFolder, 'build.sh'), arch, output], { encoding: 'utf8' });
  if (built.error !== undefined) return built.error.message;
  return built.status === 0 ? undefined : built.stderr.trim();
}
