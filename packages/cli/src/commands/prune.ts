import type { ExistingEnvironment } from '@companion/core/backend';
import type { Command } from '../command.js';
import { usageError } from '../command-line-error.js';
import { ageOf, environmentDocument, standingOf, untoldDocument } from '../describe-environment.js';
import {
  type FoundEnvironment,
  findEnvironments,
  told,
  type UntoldBackend,
} from '../existing-environments.js';
import { EXIT } from '../exit-codes.js';
import { type OptionTable, optionHelp, parseOptions } from '../option-table.js';
import { type Failure, printJson, sayFailure } from '../print.js';
import type { StandardStreams } from '../standard-streams.js';
import { formatTable } from '../table.js';

const OPTIONS = {
  kept: { help: 'also what is kept for the next companion of its name (reuse) and nobody is in' },
  'dry-run': { help: 'remove nothing; tell what would be' },
  load: {
    value: 'MODULE[#EXPORT]',
    multiple: true,
    help: 'ask a backend of your own or from elsewhere, too: a file or a package',
  },
  json: { help: 'the same as JSON' },
} as const satisfies OptionTable;

const HELP = `Removes environments that were left behind: those whose owner was this machine's and is certainly gone.

Usage: companion prune [options]

${optionHelp(OPTIONS)}

What somebody is in, what has a living owner, and what nothing proves to be this machine's is left alone.

Exit codes: 0; 1 when something could not be removed or a backend could not say what exists; 2 for a mistake in these
options.
`;

/** `companion prune [--kept] [--dry-run] [--json]` */
export const pruneCommand: Command = {
  help: HELP,
  execute: async (args, streams) => {
    const unexpected = (argument: string): Error =>
      usageError(`unexpected "${argument}"`, 'companion prune removes by state, not by name: see --help.');
    const { values, rest } = parseOptions(args, OPTIONS, unexpected);
    if (rest?.[0] !== undefined) throw unexpected(rest[0]);
    const { found, untold } = await findEnvironments(values.load);
    const dryRun = values['dry-run'];
    const outcomes: Outcome[] = [];
    // One after another: an engine is not faster with many at a time, and others use it, too.
    for (const one of found) outcomes.push(await prune(one, { kept: values.kept, dryRun }));
    if (values.json) {
      printJson(streams.stdout, {
        dryRun,
        environments: outcomes.map(outcomeDocument),
        errors: untold.map(untoldDocument),
      });
    } else print(outcomes, untold, dryRun, streams);
    const failed = outcomes.some(({ result }) => result === 'failed') || untold.length > 0;
    return failed ? EXIT.failure : EXIT.success;
  },
};

interface Outcome {
  readonly one: FoundEnvironment;
  readonly result: 'removed' | 'left' | 'failed';
  /** One clause. */
  readonly reason: string;
  readonly failure?: Failure;
}

async function prune(
  one: FoundEnvironment,
  { kept, dryRun }: { readonly kept: boolean; readonly dryRun: boolean },
): Promise<Outcome> {
  const { environment } = one;
  const why = whyLeft(environment, kept);
  if (why !== undefined) return { one, result: 'left', reason: why };
  const reason = environment.kept ? 'kept, and nobody is in it' : 'its owner is gone';
  if (dryRun) return { one, result: 'removed', reason };
  try {
    await environment.remove();
    return { one, result: 'removed', reason };
  } catch (error) {
    const failure = told(error);
    return { one, result: 'failed', reason: failure.message, failure };
  }
}

/** `undefined` for what may go. */
function whyLeft(environment: ExistingEnvironment, kept: boolean): string | undefined {
  switch (standingOf(environment)) {
    case 'in use':
      if (environment.kept) return 'somebody is in it';
      return environment.owner === 'unknown'
        ? "it runs, and nothing proves that it is this machine's"
        : 'its owner runs';
    case 'starting':
      return 'its owner is making it';
    case 'unknown':
      return "nothing proves that it is this machine's; its backend's own tools remove it";
    case 'kept':
      return kept ? undefined : 'kept for the next companion of its name; --kept removes it';
    case 'left behind':
      return undefined;
  }
}

/** What `--json` prints. Members may be added, none is taken away. */
function outcomeDocument({ one, result, reason, failure }: Outcome) {
  return { ...environmentDocument(one), result, reason, code: failure?.code ?? null };
}

function print(
  outcomes: readonly Outcome[],
  untold: readonly UntoldBackend[],
  dryRun: boolean,
  { stdout, stderr }: StandardStreams,
): void {
  const words = { removed: dryRun ? 'would go' : 'removed', left: 'left', failed: 'NOT REMOVED' };
  const rows = outcomes.map(({ one, result, reason }) => {
    const { backend, environment } = one;
    return [words[result], environment.name, backend, ageOf(environment), environment.id, reason];
  });
  if (rows.length > 0) {
    stdout.write(`${formatTable(['RESULT', 'NAME', 'BACKEND', 'AGE', 'ID', 'WHY'], rows)}\n`);
  }
  stdout.write(`${summary(outcomes, dryRun)}\n`);
  for (const { one, failure } of outcomes) {
    if (failure === undefined) continue;
    sayFailure(stderr, {
      ...failure,
      message: `${one.environment.id} could not be removed: ${failure.message}`,
    });
  }
  for (const failure of untold) {
    sayFailure(stderr, { ...failure, message: `backend ${failure.backend}: ${failure.message}` });
  }
}

function summary(outcomes: readonly Outcome[], dryRun: boolean): string {
  const count = (wanted: Outcome['result']): number =>
    outcomes.filter(({ result }) => result === wanted).length;
  const [removed, left, failed] = [count('removed'), count('left'), count('failed')];
  if (removed + left + failed === 0) return 'Nothing to remove: no environment exists.';
  if (removed + failed === 0) return `Nothing to remove; ${left} left alone.`;
  const parts = [
    dryRun ? `${removed} would be removed` : `${removed} removed`,
    ...(left > 0 ? [`${left} left alone`] : []),
    ...(failed > 0 ? [`${failed} could not be removed`] : []),
  ];
  return `${parts.join(', ')}.`;
}
