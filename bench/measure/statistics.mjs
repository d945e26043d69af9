/** The value below which `share` of the samples lie, interpolated. */
function quantile(sorted, share) {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below];
  const high = sorted[Math.min(below + 1, sorted.length - 1)];
  return low + (high - low) * (position - below);
}

/** Median with its spread: quartiles and extremes. */
export function summarize(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
    minimum: sorted[0],
    maximum: sorted.at(-1),
  };
}

/**
 * One row per contender: its own values, and how they relate to the baseline's. Samples are compared round by round,
 * because the machine's mood changes between rounds and hardly within one.
 */
export function compare(samples, { baseline, relation = 'ratio', value = (sample) => sample }) {
  const reference = samples[baseline]?.map(value);
  return Object.entries(samples).map(([name, taken]) => {
    const values = taken.map(value);
    const row = { name, values: summarize(values), relation: null };
    if (reference === undefined || name === baseline) return row;
    const related = values.map((own, round) =>
      relation === 'ratio' ? own / reference[round] : own - reference[round],
    );
    return { ...row, relation: summarize(related) };
  });
}

/** The row of one contender. */
export function rowOf(rows, name) {
  const found = rows.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no row named ${name}`);
  return found;
}
