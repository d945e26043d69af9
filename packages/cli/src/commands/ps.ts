import type { Command } from '../command.js';
import { usageError } from '../command-line-error.js';
import { ageOf, environmentDocument, standingOf, untoldDocument } from '../describe-environment.js';
import { type FoundEnvironments, findEnvironments } from '../existing-environments.js';
import { EXIT } from '../exit-codes.js';
import { type OptionTable, optionHelp, parseOptions } from '../option-table.js';
import { printJson, sayFailure } from '../print.js';
import type { StandardStreams } from '../standard-streams.js';
import { formatTable } from '../table.js';

const OPTIONS = {
  load: {
    value: 'MODULE[#EXPORT]',
    multiple: true,
    help: 'ask a backend of your own or from elsewhere, too: a file or a package',
  },
  json: { help: 'the same as JSON' },
} as const satisfies OptionTable;

const HELP = `Lists the environments that exist now, whoever made them: containers, where docker is installed.

Usage: companion ps [options]

${optionHelp(OPTIONS)}

OWNER is the process that made it: alive, gone, or unknown (another machine's). USE is one of
  in use        somebody is in it, or its owner runs
  kept          it waits for whoever starts a companion of that name with reuse; companion prune --kept removes it
  left behind   its owner was killed; companion prune removes it
  starting      its owner is making it
  unknown       nothing proves whose it is; its backend's own tools remove it

Exit codes: 0; 1 when a backend could not say what exists; 2 for a mistake in these options.
`;

/** `companion ps [--json]` */
export const psCommand: Command = {
  help: HELP,
  execute: async (args, streams) => {
    const unexpected = (argument: string): Error =>
      usageError(`unexpected "${argument}"`, 'See companion ps --help.');
    const { values, rest } = parseOptions(args, OPTIONS, unexpected);
    if (rest?.[0] !== undefined) throw unexpected(rest[0]);
    const all = await findEnvironments(values.load);
    if (values.json) {
      printJson(streams.stdout, {
        environments: all.found.map(environmentDocument),
        errors: all.untold.map(untoldDocument),
      });
    } else print(all, streams);
    return all.untold.length === 0 ? EXIT.success : EXIT.failure;
  },
};

function print({ found, untold }: FoundEnvironments, { stdout, stderr }: StandardStreams): void {
  if (found.length > 0) {
    const rows = found.map(({ backend, environment }) => {
      const { name, state, owner, id } = environment;
      return [name, backend, state, owner, ageOf(environment), standingOf(environment), id];
    });
    stdout.write(formatTable(['NAME', 'BACKEND', 'STATE', 'OWNER', 'AGE', 'USE', 'ID'], rows));
    const left = found.filter(({ environment }) => standingOf(environment) === 'left behind').length;
    if (left > 0)
      stdout.write(`\n${left} left behind: companion prune removes ${left > 1 ? 'them' : 'it'}.\n`);
  } else if (untold.length === 0) stdout.write('No environment exists.\n');
  for (const failure of untold) {
    sayFailure(stderr, { ...failure, message: `backend ${failure.backend}: ${failure.message}` });
  }
}
