import { randomBytes } from 'node:crypto';

/**
 * The variable by which descendants are found wherever they went: it is inherited through `setsid`, double forks and
 * re-parenting. A companion inside a companion adds its mark to the outer one's.
 */
export const MARK_VARIABLE = 'COMPANION_PROCESS_MARK';
const SEPARATOR = ',';

/** What all marks of this process begin with. */
export const ownerMark: string = `c${randomBytes(8).toString('hex')}`;

let environments = 0;

/** Marks of one environment: `<owner>-<environment>-<process>`. */
export class MarkSeries {
  readonly #prefix = `${ownerMark}-${++environments}-`;
  #processes = 0;

  get unused(): boolean {
    return this.#processes === 0;
  }

  next(): string {
    return `${this.#prefix}${++this.#processes}`;
  }

  /** Whether the variable's value names any process of this environment. */
  matches(value: string): boolean {
    return value.split(SEPARATOR).some((mark) => mark.startsWith(this.#prefix));
  }
}

/** Whether the variable's value names this process. */
export function carries(value: string, mark: string): boolean {
  return value.split(SEPARATOR).includes(mark);
}

/** The variables of a process, with its mark added to those that this process itself carries. */
export function marked(env: Readonly<Record<string, string>>, mark: string): Record<string, string> {
  const outer = process.env[MARK_VARIABLE];
  return { ...env, [MARK_VARIABLE]: outer === undefined ? mark : `${outer}${SEPARATOR}${mark}` };
}

/** The marks that this process itself carries, for what is found without one of its own. */
export function outerMarks(): Readonly<Record<string, string>> {
  const outer = process.env[MARK_VARIABLE];
  return outer === undefined ? {} : { [MARK_VARIABLE]: outer };
}
