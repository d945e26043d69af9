// A process writes without end and its reader is slow, or reads nothing: by how much this process grows in 5 s.
import { figure } from './measure/figure.mjs';
import { freshProcess } from './measure/fresh-process.mjs';
import { goal } from './measure/goals.mjs';
import { number } from './measure/print.mjs';
import { compare, rowOf, summarize } from './measure/statistics.mjs';

const SECONDS = 5;
const ROUNDS = 2;
const READERS = [
  'raw pipe, never read',
  'raw pipe, read slowly',
  'execa, as it comes (buffers up to 100 MB)',
  'execa, buffer: false, never read',
  'companion spawn, never claimed',
  'companion spawn, claimed, never read',
  'companion spawn, read slowly',
];

await figure('stuck-reader', `A stuck or slow reader for ${SECONDS} s`, async () => {
  const samples = Object.fromEntries(READERS.map((reader) => [reader, []]));
  for (let round = 0; round < ROUNDS; round++) {
    // All at once, each in a process of its own: what is measured is memory, and nobody has to be fast.
    await Promise.all(
      READERS.map(async (reader) => {
        const { said } = await freshProcess(
          'stuck-reader.mjs',
          [reader, String(SECONDS * 1000)],
          ['--expose-gc'],
        );
        samples[reader].push(said);
      }),
    );
  }
  const rows = compare(samples, { baseline: null, value: (sample) => sample.growthMiB }).map((row) => ({
    ...row,
    more: { 'held at the end': number(summarize(samples[row.name].map((sample) => sample.heldMiB)).median) },
  }));
  const worst = ['never claimed', 'claimed, never read', 'read slowly']
    .map((reader) => rowOf(rows, `companion spawn, ${reader}`).values)
    .reduce((most, values) => (values.median > most.median ? values : most));
  return {
    tables: [
      {
        title:
          'Growth of resident memory at its peak (garbage included), and what a collection leaves of it at the end.',
        unit: 'MiB',
        columns: ['held at the end'],
        rows,
      },
    ],
    goals: [
      goal({
        what: 'memory growth with a stuck or slow reader (the worst of three)',
        goal: '≤ 32 MiB',
        atMost: 32,
        unit: 'MiB',
        measured: worst,
      }),
    ],
  };
});
