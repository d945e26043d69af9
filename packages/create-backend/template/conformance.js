// The rules of the contract in steps, the simplest first; ends with the first step in which one is broken.
// One rule or area alone, or a report: npx companion conformance ./backend.js --help
import { conformanceCases, formatText, runConformance } from '@companion/testkit';
import { templateBackend } from './backend.js';

const target = {
  backend: templateBackend,
  // How a second program imports the backend: for the cases in which the owner of an environment dies.
  module: './backend.js#templateBackend',
  // Known defects, like { 'signals.whole-tree': 'https://…/issues/7' }: each must fail, and go when it passes.
  waivers: {},
};

const steps = [
  ['detection'],
  ['exit-status'],
  ['arguments', 'environment-variables'],
  ['streams', 'stdin'],
  ['signals', 'cancellation', 'descendants'],
  ['lifecycle'],
  ['paths', 'ports', 'network'],
];
const areas = new Set(conformanceCases.map(({ id }) => id.split('.')[0]));
steps.push([...areas].filter((area) => !steps.flat().includes(area)));

for (const [index, names] of steps.entries()) {
  const only = names.filter((name) => areas.has(name));
  const report = await runConformance(target, { only });
  const { passed, failed, skipped, waived } = report.counts;
  const more = waived > 0 ? `, ${waived} waived` : '';
  console.log(
    `step ${index + 1} of ${steps.length}  ${only.join(', ')}: ${passed} passed, ${failed} failed, ${skipped} skipped${more}`,
  );
  if (passed + failed + waived === 0) {
    console.log(`Nothing was shown: ${report.cases[0]?.reason}`);
    break;
  }
  if (failed === 0) continue;
  const broken = report.cases.filter(({ verdict }) => verdict === 'failed');
  for (const { id, title } of broken) console.log(`  to do  ${id}: ${title}`);
  console.log(`\nBegin with the first:\n`);
  console.log(formatText({ ...report, cases: broken.slice(0, 1) }, { module: './backend.js' }));
  process.exitCode = 1;
  break;
}
// What a backend has left open must not keep this program alive.
process.exit();
