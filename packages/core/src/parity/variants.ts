import type { ProbeParity, VersionAnswer } from '../parity.js';
import type { CheckedProbe } from './probes.js';

/** Of one line that is shown. */
const MAX_LINE = 120;

/** One probe's answers, compared. `answers` are by backend, in the order of priority. */
export function compareAnswers(
  { optional }: Pick<CheckedProbe, 'optional'>,
  answers: Readonly<Record<string, VersionAnswer>>,
): ProbeParity {
  const groups = groupsOf(answers);
  const told = groups.flatMap(({ answer: { version } }) =>
    version === undefined ? [] : [version.split('\n')],
  );
  const [first] = groups;
  const same =
    groups.length === 1 &&
    first !== undefined &&
    (first.answer.version !== undefined || (optional && isMissing(first.answer)));
  const variants = groups.map(({ answer, backends }) => ({
    says: cut(answer.version === undefined ? answer.reason : tellingLine(answer.version.split('\n'), told)),
    backends,
  }));
  return { same, variants, answers };
}

interface Group {
  readonly answer: VersionAnswer;
  readonly backends: string[];
}

function groupsOf(answers: Readonly<Record<string, VersionAnswer>>): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [backend, answer] of Object.entries(answers)) {
    const key = answer.version === undefined ? `no: ${answer.reason}` : `yes: ${answer.version}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { answer, backends: [backend] });
    else group.backends.push(backend);
  }
  return [...groups.values()];
}

function isMissing(answer: VersionAnswer): boolean {
  return answer.version === undefined && answer.error?.code === 'COMPANION_COMMAND_NOT_FOUND';
}

/** Mostly the first one; tools that begin with their name may tell their version below. */
function tellingLine(lines: readonly string[], all: readonly (readonly string[])[]): string {
  if (all.length === 1) return lines[0] ?? '';
  const differs = (index: number): boolean => new Set(all.map((other) => other[index])).size === all.length;
  const index = lines.findIndex((_, candidate) => differs(candidate));
  return index === -1 ? lines.join(' / ') : (lines[index] ?? '');
}

function cut(line: string): string {
  const [first = ''] = line.split('\n');
  return first.length > MAX_LINE ? `${first.slice(0, MAX_LINE - 1)}…` : first;
}

/** `git: 2.39.5 in docker and nix; not found in local` */
export function describeVariants(name: string, { variants }: ProbeParity): string {
  const parts = variants.map(({ says, backends }) => `${says} in ${listed(backends)}`);
  return `${name}: ${parts.join('; ')}`;
}

/** `a, b and c` */
function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join();
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
