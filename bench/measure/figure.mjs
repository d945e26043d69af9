import { describeMachine, machineFacts } from './machine.mjs';
import { describeOtherWork, watchOtherWork } from './other-work.mjs';
import { renderGoals, renderTable } from './print.mjs';

/**
 * Runs one figure and prints it: tables and goals as plain text, or one JSON object with `--json`. `measure` resolves
 * with `{ tables, goals, notes }`, all of them lists, or with `{ skipped }`, why it cannot be measured here.
 */
export async function figure(name, title, measure) {
  const otherWork = watchOtherWork();
  const startedAt = performance.now();
  const { tables = [], goals = [], notes = [], skipped } = await measure();
  const result = {
    name,
    title,
    machine: machineFacts(),
    otherWork: otherWork(),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    tables,
    goals,
    notes,
    skipped,
  };
  if (process.argv.includes('--json')) console.log(JSON.stringify(result));
  else console.log(`${renderFigure(result)}\n\n${describeMachine(result.machine)}`);
}

/** Everything about one figure but the machine. */
export function renderFigure({ name, title, otherWork, seconds, tables, goals, notes, skipped }) {
  if (skipped !== undefined) return `### ${title}\n\nNot measured: ${skipped}.`;
  const parts = [`### ${title}`, ...tables.map(renderTable)];
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}`).join('\n'));
  if (goals.length > 0) parts.push(renderGoals(goals));
  parts.push(`\`node bench/${name}.mjs\`, ${seconds} s. ${describeOtherWork(otherWork)}`.trimEnd());
  return parts.join('\n\n');
}
