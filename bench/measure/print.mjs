// Tables that are plain text on a terminal and Markdown in a file.

/** Three significant digits, and no more than two decimals. */
export function number(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function spread({ lowerQuartile, upperQuartile }) {
  return `${number(lowerQuartile)} – ${number(upperQuartile)}`;
}

function extremes({ minimum, maximum }) {
  return `${number(minimum)} – ${number(maximum)}`;
}

/** A padded table; the first column is text, the others line up at the right. */
export function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => String(row[column]).length)),
  );
  const line = (cells) =>
    `| ${cells
      .map((cell, column) =>
        column === 0 ? String(cell).padEnd(widths[column]) : String(cell).padStart(widths[column]),
      )
      .join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** One table of a figure: the contenders, their medians, and their relation to the baseline. */
export function renderTable({ title, unit, baseline, relation = 'ratio', rows, columns = [] }) {
  const related = rows.some((row) => row.relation !== null);
  const over = relation === 'ratio' ? `× ${baseline}` : `${unit} over ${baseline}`;
  const head = ['', `median ${unit}`, 'quartiles'];
  if (related) head.push(over, 'quartiles', 'extremes');
  else head.push('extremes');
  head.push(...columns, 'rounds');
  const body = rows.map((row) => {
    const cells = [row.name, number(row.values.median), spread(row.values)];
    if (!related) cells.push(extremes(row.values));
    else if (row.relation === null) cells.push(relation === 'ratio' ? '1' : '0', '', '');
    else cells.push(number(row.relation.median), spread(row.relation), extremes(row.relation));
    return [...cells, ...columns.map((column) => row.more?.[column] ?? ''), row.values.count];
  });
  return `${title}\n\n${table(head, body)}`;
}

/** What was wanted, what came out, and whether that is so beyond the noise. */
export function renderGoals(goals) {
  const rows = goals.map(({ what, goal, unit, measured, reached, certain }) => {
    const value = unit === null ? measured : `${number(measured.median)} ${unit} (${spread(measured)})`;
    const answer = `${reached ? 'yes' : 'no'}${certain ? '' : ', the spread crosses it'}`;
    return [what, goal, value, answer];
  });
  return table(['what', 'goal', 'measured (quartiles)', 'reached'], rows);
}
