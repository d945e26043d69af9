// Whether the supervisor's committed programs are those of its sources, and its fuzzers find nothing.
import { checkPrebuilt, checkRebuild } from '../packages/supervisor/scripts/check-native.mjs';
import { fuzzAll } from '../packages/supervisor/scripts/fuzz-native.mjs';
import { report, skip } from './check-report.mjs';

// In CI also new inputs: half a minute for each of the two.
const FUZZ_SECONDS = process.env.CI === 'true' ? 30 : 0;

function record(name, { problem, reason }) {
  if (reason !== undefined) skip(name, reason);
  else report(name, problem === undefined ? [] : [problem]);
}

export function checkSupervisor() {
  report('prebuilt supervisors are those of their sources', checkPrebuilt());
  if (process.platform !== 'linux') return;
  record('a rebuilt supervisor for x64 is the same', checkRebuild('x64'));
  record('a rebuilt supervisor for arm64 is the same', checkRebuild('arm64'));
  record('fuzzing the supervisor finds nothing', fuzzAll(FUZZ_SECONDS));
}
