// Runs figures one after the other, each in a process of its own, and ends with the table of all goals.
//
//   node bench/all.mjs [--json] [--write] [--engine=podman] [figure…]
//
// --json prints one array of results; --write also puts what is printed into docs/benchmarks.md, in the place of the
// group that the figures belong to; --engine is whose containers are measured, docker unless said.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderFigure } from './measure/figure.mjs';
import { describeMachine } from './measure/machine.mjs';
import { renderGoals } from './measure/print.mjs';

/** What stands together in the document. */
const GROUPS = {
  results: [
    'short-command',
    'concurrency',
    'runner-overhead',
    'import-cost',
    'first-command',
    'detect-and-create',
    'stdout-throughput',
    'round-trip',
    'stuck-reader',
    'stop-latency',
    'owner-death',
    'many-at-once',
    'event-loop-block',
  ],
  containers: ['supervisor', 'docker-commands', 'docker-streams', 'docker-init', 'docker-scale'],
  nix: ['nix'],
};
const FIGURES = Object.values(GROUPS).flat();
const document = join(import.meta.dirname, '../docs/benchmarks.md');

const words = process.argv.slice(2);
const flags = new Set(words.filter((word) => word.startsWith('--')));
const names = words.filter((word) => !word.startsWith('--'));
for (const name of names) {
  if (!FIGURES.includes(name)) throw new Error(`no figure is named ${name}; there are ${FIGURES.join(', ')}`);
}

const json = flags.has('--json');
const results = [];
for (const name of names.length === 0 ? FIGURES : names) {
  const result = JSON.parse(await outputOf(name));
  results.push(result);
  if (!json) console.log(`${renderFigure(result)}\n`);
}
if (json) console.log(JSON.stringify(results));
else console.log(summary(results));
if (flags.has('--write')) writeResults(results);

/** One figure at a time: two would measure each other. */
async function outputOf(name) {
  const engine = words.filter((word) => word.startsWith('--engine='));
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.mjs`), '--json', ...engine], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = child.stdout.setEncoding('utf8').toArray();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return (await output).join('');
}

function summary(all) {
  const goals = all.flatMap((result) => result.goals);
  const machine = describeMachine(all[0].machine);
  return `### Goals\n\n${goals.length === 0 ? 'None of these figures has one.' : renderGoals(goals)}\n\n${machine}`;
}

/** Everything between the two marks of a group is what the last such run has measured of it. */
function writeResults(all) {
  let text = readFileSync(document, 'utf8');
  for (const [group, figures] of Object.entries(GROUPS)) {
    const own = all.filter(({ name }) => figures.includes(name));
    if (own.length === 0) continue;
    const [begin, end] = [`<!-- ${group}: begin -->`, `<!-- ${group}: end -->`];
    const [before, rest] = text.split(begin);
    const after = rest?.split(end)[1];
    if (after === undefined) throw new Error(`${document} has no place for ${group}`);
    const results = [summary(own), ...own.map(renderFigure)].join('\n\n');
    text = `${before}${begin}\n\n${results}\n\n${end}${after}`;
  }
  writeFileSync(document, text);
}
