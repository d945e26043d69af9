import { join, relative } from 'node:path';
import { exploreSymbol } from './explore-symbol.js';

const root = join(import.meta.dirname, '../..');
const project = join(root, 'packages/core');
const mistake = "void createCompanion({ sourceDri: '.' });";

/**
 * Explores this repository's own `createCompanion`; resolves with pairs of label and text to print.
 *
 * @param {import('@companion/core').CompanionRunner} runner
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<string[][]>}
 */
export async function report(runner, options) {
  const file = join(project, 'src/index.ts');
  const request = { project, file, symbol: 'createCompanion', mistake: `${mistake}\n` };
  const { typescript, hover, definition, diagnostics } = await exploreSymbol(runner, request, options);
  return [
    ['server', `typescript-language-server with TypeScript ${typescript}, on ${relative(root, project)}`],
    ['hover', signatureOf(hover)],
    ['definition', placeOf(definition)],
    ['typed', mistake],
    ...diagnostics.map((one) => ['diagnostic', `${placeOf(one)} TS${one.code}: ${one.message}`]),
  ];
}

/** The first line of the hover's code block. */
function signatureOf(hover) {
  return /^```\w*\n(.+)$/m.exec(hover)?.[1] ?? hover.trim();
}

function placeOf({ file, line, column }) {
  return `${relative(root, file)}:${line}:${column}`;
}
