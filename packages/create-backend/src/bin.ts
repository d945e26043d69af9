#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createBackend } from './create-backend.js';
import { UsageError } from './usage-error.js';

const HELP = `Makes a folder with a backend of your own for Companion, and a conformance run that says what is missing.

Usage: npm create @companion/backend [folder]

  [folder]   made if it is not there, else empty; default: the current directory.
             Its name is the package's: companion-backend-plain makes the backend plain

  --help     this text (npm create @companion/backend -- --help)
  --version

Exit codes: 0; 2 for a mistake in the arguments, or a folder or a name that cannot be; 1 when a file cannot be written.
`;

function main(args: string[]): void {
  const { values, positionals } = parsed(args);
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (values.version) {
    const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    process.stdout.write(`${(manifest as { readonly version: string }).version}\n`);
    return;
  }
  const [folder = '.', stray] = positionals;
  if (stray !== undefined) throw new UsageError(`unexpected "${stray}"`, 'One folder at a time.');
  const { backendName } = createBackend(folder);
  const enter = folder === '.' ? '' : `  cd ${folder}\n`;
  process.stdout.write(`${folder === '.' ? 'Here is' : `${folder} holds`} a backend named ${backendName} that starts nothing yet. Next:

${enter}  npm install
  npm test      what is missing, the simplest first

README.md there says how to go on.
`);
}

function parsed(args: string[]) {
  const options = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Its sentences name the option; what follows the first one is about other programs.
    const [message = ''] = (error as Error).message.split('. ');
    throw new UsageError(message, 'See npm create @companion/backend -- --help.');
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  const hint = error instanceof UsageError ? `\n  ${error.hint}` : '';
  console.error(`create-backend: ${error instanceof Error ? error.message : String(error)}${hint}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
