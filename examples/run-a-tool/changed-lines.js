/**
 * The lines that only one of two texts has, in order: `- old` and `+ new`.
 *
 * @param {string} before
 * @param {string} after
 * @returns {string[]}
 */
export function changedLines(before, after) {
  const old = before.split('\n');
  const next = after.split('\n');
  const common = commonLengths(old, next);
  const changes = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < next.length) {
    if (i < old.length && j < next.length && old[i] === next[j]) {
      i += 1;
      j += 1;
    } else if (j === next.length || (i < old.length && common[i + 1][j] >= common[i][j + 1])) {
      changes.push(`- ${old[i]}`);
      i += 1;
    } else {
      changes.push(`+ ${next[j]}`);
      j += 1;
    }
  }
  return changes;
}

/** `[i][j]` is how many lines `old` from line i and `next` from line j have in common, in the same order. */
function commonLengths(old, next) {
  const common = Array.from({ length: old.length + 1 }, () => new Uint32Array(next.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = next.length - 1; j >= 0; j -= 1) {
      common[i][j] =
        old[i] === next[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  return common;
}
