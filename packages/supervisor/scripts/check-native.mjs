// Whether the prebuilt programs are those of the sources.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  build,
  describeToolchain,
  hashSources,
  prebuiltFolder,
  programPath,
  sha256,
  TOOLCHAINS,
} from './toolchain.mjs';

const read = (file) => readFileSync(join(prebuiltFolder, file));
const advice = 'run: npm run build:native -w @companion/supervisor';

/** Problems, as sentences, of what is committed: needs no compiler. */
export function checkPrebuilt() {
  const sums = read('SHA256SUMS').toString();
  const problems = Object.keys(TOOLCHAINS)
    .filter((arch) => !sums.includes(`${sha256(read(programPath(arch)))}  ${programPath(arch)}\n`))
    .map((arch) => `prebuilt/${programPath(arch)} is not what prebuilt/SHA256SUMS says`);
  if (!read('MADE-OF').toString().includes(`sources: ${hashSources()}\n`)) {
    problems.push(`native/ has changed since prebuilt/ was built; ${advice}`);
  }
  return problems;
}

function isInstalled(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** Compiles again and compares: `{ problem }` or, where that would prove nothing, `{ reason }`. */
export function checkRebuild(arch) {
  const { command, install } = TOOLCHAINS[arch];
  if (process.arch !== 'x64') return { reason: 'they are built on x64' };
  if (!isInstalled(command)) {
    return { reason: `there is no ${command}; on Debian: apt-get install ${install.join(' ')}` };
  }
  const folder = mkdtempSync(join(tmpdir(), 'companion-native-'));
  try {
    const output = join(folder, 'companion-supervisor');
    const problem = build(arch, output);
    if (problem !== undefined) return { problem };
    const here = describeToolchain(arch);
    const recorded = read('MADE-OF').toString();
    if (!recorded.includes(`linux-${arch}: ${here}\n`)) {
      return { reason: `it compiles, but with other versions than prebuilt/MADE-OF: ${here}` };
    }
    if (readFileSync(output).equals(read(programPath(arch)))) return {};
    return { problem: `a rebuild differs from prebuilt/${programPath(arch)}; ${advice}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
