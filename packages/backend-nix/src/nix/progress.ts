import { ACTIVITY, type Fields, LEVEL, type LogEntry, RESULT } from './internal-json.js';

type Start = LogEntry & { readonly is: 'start' };

interface Activity {
  readonly start: Start;
  done: number;
  expected: number;
}

/** What Nix says while it evaluates, and where no other sentence fits. */
export const EVALUATING = 'evaluating';

/** What Nix is doing, in a sentence, as its log tells. */
export class Progress {
  readonly #running = new Map<string, Activity>();
  /** Bytes of the downloads that have ended, since none was running. */
  #ended = 0;
  /** Bytes of all downloads that Nix knows it will need; 0 while it does not. */
  #planned = 0;

  add(entry: LogEntry): void {
    if (entry.is === 'start') {
      this.#running.set(entry.id, { start: entry, done: 0, expected: 0 });
    } else if (entry.is === 'stop') {
      const activity = this.#running.get(entry.id);
      if (activity !== undefined && isDownload(activity)) this.#ended += activity.done;
      this.#running.delete(entry.id);
      if (this.#running.size === 0) this.#ended = 0;
    } else if (entry.is === 'result') {
      this.#addResult(entry.id, entry.type, entry.fields);
    }
  }

  /** Not cleaned of secrets: addresses may have them. */
  get sentence(): string {
    const running = [...this.#running.values()];
    const latest = (wanted: (activity: Activity) => boolean) => running.findLast(wanted);
    const build = latest(({ start }) => start.type === ACTIVITY.build);
    if (build !== undefined) {
      return this.#building(
        build,
        latest(({ start }) => start.type === ACTIVITY.builds),
      );
    }
    const download = latest(isDownload);
    if (download !== undefined) return this.#downloading(download);
    const other = latest(({ start }) => start.level <= LEVEL.talkative && isNamed(start));
    return other?.start.text ?? EVALUATING;
  }

  #addResult(id: string, type: number, fields: Fields): void {
    const activity = this.#running.get(id);
    const [first = 0, second = 0] = fields.map(Number);
    if (type === RESULT.progress && activity !== undefined) {
      activity.done = first;
      activity.expected = second;
    } else if (type === RESULT.setExpected && first === ACTIVITY.fileTransfer) this.#planned = second;
  }

  #building({ start }: Activity, all: Activity | undefined): string {
    const [derivation = '', machine = ''] = start.fields.map(String);
    const where = machine === '' ? '' : ` on ${machine.replace(/^.*@/, '')}`;
    const count =
      all === undefined || all.expected < 2 ? '' : ` (${all.done} of ${all.expected} builds are done)`;
    return `building ${nameOf(derivation)}${where}${count}`;
  }

  #downloading(download: Activity): string {
    const downloads = [...this.#running.values()].filter(isDownload);
    const done = downloads.reduce((sum, one) => sum + one.done, this.#ended);
    const known = downloads.reduce((sum, one) => sum + one.expected, this.#ended);
    const expected = Math.max(known, this.#planned);
    const bytes =
      done === 0 ? '' : ` (${expected > done ? `${mebibytes(done)} of ` : ''}${size(done, expected)})`;
    return `downloading ${this.#whatFor(download)}${bytes}`;
  }

  /** A transfer for a path of the store goes by that path's name. */
  #whatFor({ start }: Activity): string {
    const address = String(start.fields[0] ?? 'files');
    if (!/\/nar\/|\.nar(?:\.\w+)?$/.test(address)) return address;
    const copy = this.#running.get(start.parent);
    // An older Nix does not say what a transfer is for: where there are several, the latest is named.
    const path = copy !== undefined && isCopy(copy) ? copy : [...this.#running.values()].findLast(isCopy);
    return path === undefined ? address : nameOf(String(path.start.fields[0]));
  }
}

function isCopy({ start }: Activity): boolean {
  return start.type === ACTIVITY.copyPath;
}

function isDownload({ start }: Activity): boolean {
  // What a cache is asked before it is taken from: hundreds of small files.
  return (
    start.type === ACTIVITY.fileTransfer && !/\.narinfo$|\/nix-cache-info$/.test(String(start.fields[0]))
  );
}

/** Of the others, that have a text which says something: `copying '…' to the store`. */
function isNamed({ type, text }: Start): boolean {
  const telling: readonly number[] = [ACTIVITY.unknown, ACTIVITY.fetchTree];
  return telling.includes(type) && text !== '' && !/^(?:evaluating file|querying)/.test(text);
}

/** Of a path in the store: `hello-2.12`. */
function nameOf(path: string): string {
  return path.replace(/^.*\/[a-z0-9]{32}-/, '').replace(/\.drv$/, '');
}

function size(done: number, expected: number): string {
  return `${mebibytes(Math.max(done, expected))} MiB`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
