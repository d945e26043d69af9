/**
 * The newest version of the API that is spoken here: the oldest that no current engine refuses (Docker 29 has 1.44 as
 * its minimum). Every version more is a dialect more; take a newer one with the first feature that needs it.
 */
export const NEWEST_API_VERSION = '1.44';
/** Docker 19.03; everything that is used here is in it. */
export const OLDEST_API_VERSION = '1.40';

/** Below zero where `left` is the older one: 1.9 is older than 1.40. */
function compareApiVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}

export function isApiVersion(text: unknown): text is string {
  return typeof text === 'string' && /^\d+\.\d+$/.test(text);
}

/** The newer of what both speak and what the engine asks for at least; undefined where the engine is too old. */
export function negotiateApiVersion(newest: string, oldest: string | undefined): string | undefined {
  const common = compareApiVersions(newest, NEWEST_API_VERSION) < 0 ? newest : NEWEST_API_VERSION;
  if (compareApiVersions(common, OLDEST_API_VERSION) < 0) return undefined;
  return oldest !== undefined && compareApiVersions(common, oldest) < 0 ? oldest : common;
}
