import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';

/** What was at a path, and the signature that it had then; without a signature only the content tells. */
export type Mark = readonly [is: string, signature: string];

/** Timestamps can be as coarse as this, so a signature younger than it proves nothing: git calls such an entry racy. */
const RACY_MS = 1000;

const LARGE_BYTES = 16 * 2 ** 20;

/** A short digest of what need not be kept. */
export const digest = (value: string | Buffer): string =>
  createHash('sha256').update(value).digest('base64url').slice(0, 27);

/** What changes with every change of a file. '' where the change may be too young to show. */
export function signatureOf(stat: Stats, now: number): string {
  if (stat.ctimeMs > now - RACY_MS) return '';
  return `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino}`;
}

/** The stat of the path itself, undefined where there is nothing. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // no permission, a loop of links, a name that is too long: nothing that Nix could read
    return undefined;
  }
}

/** Marks what is at a path; of a file its content too, which is what the mark tells of. */
export function markOf(path: string): { readonly mark: Mark; readonly content?: Buffer } {
  // before the look, so that a change in the meantime is younger
  const now = Date.now();
  const stat = statOf(path);
  if (stat === undefined) return { mark: ['absent', 'absent'] };
  if (stat.isDirectory()) return { mark: ['directory', ''] };
  const signature = signatureOf(stat, now);
  try {
    if (stat.isSymbolicLink()) return { mark: [`link ${readlinkSync(path)}`, signature] };
    if (!stat.isFile()) return { mark: ['special', signature] };
    // Of these the content is not looked at, and every touch is a change.
    if (stat.size > LARGE_BYTES && signature !== '') return { mark: [`large ${signature}`, signature] };
    const content = readFileSync(path);
    const kind = stat.mode & 0o100 ? 'program' : 'file';
    return { mark: [`${kind} ${digest(content)}`, signature], content };
  } catch {
    // Gone or unreadable; either can end without a change of the file's own.
    return { mark: ['unreadable', ''] };
  }
}

/** The mark renewed, or undefined where something else is there now. */
export function renewed(path: string, mark: Mark): Mark | undefined {
  const now = Date.now();
  const stat = statOf(path);
  if (stat === undefined) return mark[0] === 'absent' ? mark : undefined;
  if (stat.isDirectory()) return mark[0] === 'directory' ? mark : undefined;
  if (mark[1] !== '' && signatureOf(stat, now) === mark[1]) return mark;
  const fresh = markOf(path).mark;
  return fresh[0] === mark[0] ? fresh : undefined;
}
