// `npm run build:native`: compiles native/ into prebuilt/, and writes down the hashes and what they were made of.
// Needs Debian's musl-tools and gcc-aarch64-linux-gnu; musl for arm64 is fetched into node_modules/.cache.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  build,
  describeToolchain,
  hashSources,
  prebuiltFolder,
  programPath,
  sha256,
  TOOLCHAINS,
} from './toolchain.mjs';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('they are built on Linux on x64');
  process.exit(1);
}
const sums = [];
const made = [`sources: ${hashSources()}`];
for (const arch of Object.keys(TOOLCHAINS)) {
  const program = join(prebuiltFolder, programPath(arch));
  const problem = build(arch, program);
  if (problem !== undefined) {
    console.error(`linux-${arch}: ${problem}`);
    process.exit(1);
  }
  chmodSync(program, 0o755);
  const bytes = readFileSync(program);
  sums.push(`${sha256(bytes)}  ${programPath(arch)}\n`);
  made.push(`linux-${arch}: ${describeToolchain(arch)}`);
  console.log(`linux-${arch}: ${bytes.length} bytes`);
}
writeFileSync(join(prebuiltFolder, 'SHA256SUMS'), sums.join(''));
writeFileSync(join(prebuiltFolder, 'MADE-OF'), `${made.join('\n')}\n`);
