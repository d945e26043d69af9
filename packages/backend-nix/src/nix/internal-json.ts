/** An activity's or result's details; what they mean depends on its type. */
export type Fields = readonly (string | number)[];

/** One line of what `--log-format internal-json` puts on standard error. */
export type LogEntry =
  /** Words, of Nix or of a program that it runs. */
  | { readonly is: 'words'; readonly text: string; readonly level: number }
  | {
      readonly is: 'start';
      readonly id: string;
      readonly parent: string;
      readonly type: number;
      readonly level: number;
      readonly text: string;
      readonly fields: Fields;
    }
  | { readonly is: 'result'; readonly id: string; readonly type: number; readonly fields: Fields }
  | { readonly is: 'stop'; readonly id: string };

/** Levels of words and activities, as in Nix's `error.hh`. */
export const LEVEL = { error: 0, warning: 1, talkative: 4 } as const;

/** Types of activities, as in Nix's `logging.hh`. */
export const ACTIVITY = {
  unknown: 0,
  copyPath: 100,
  fileTransfer: 101,
  builds: 104,
  build: 105,
  fetchTree: 112,
} as const;

/** Types of results, as in the same file. */
export const RESULT = { buildLogLine: 101, progress: 105, setExpected: 106 } as const;

const PREFIX = '@nix ';
// In the text: as numbers of JavaScript, ids of processes with high numbers fall together.
const ID = /"id":(\d+)/;
const PARENT = /"parent":(\d+)/;

/** A line that is not of this format is words of a program that Nix runs. */
export function parseLogLine(line: string): LogEntry | undefined {
  const words: LogEntry = { is: 'words', text: line, level: LEVEL.error };
  if (!line.startsWith(PREFIX)) return words;
  const entry = parseObject(line.slice(PREFIX.length));
  if (entry === undefined) return words;
  const { action, msg, text, type, level, fields } = entry;
  const id = ID.exec(line)?.[1] ?? '';
  const common = { id, type: Number(type ?? 0), fields: Array.isArray(fields) ? (fields as Fields) : [] };
  switch (action) {
    case 'msg':
      return { is: 'words', text: String(msg ?? ''), level: Number(level ?? LEVEL.error) };
    case 'start':
      return {
        is: 'start',
        ...common,
        parent: PARENT.exec(line)?.[1] ?? '',
        level: Number(level ?? 0),
        text: String(text ?? ''),
      };
    case 'result':
      return { is: 'result', ...common };
    case 'stop':
      return { is: 'stop', id };
    // What a later Nix may add.
    default:
      return undefined;
  }
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
