import { expect, test } from 'vitest';
import { BuildKitTrace } from '../../src/image/build-kit-trace.js';
import { BuildOutput } from '../../src/image/build-output.js';

function collect(args: Readonly<Record<string, string>> = {}): { output: BuildOutput; told: string[] } {
  const told: string[] = [];
  const output = new BuildOutput(({ layer, status }) => told.push(`${layer}: ${status}`), args);
  return { output, told };
}

test('pieces become lines, without colours, of the step that prints them', () => {
  const { output, told } = collect();
  output.add('Step 1/2 : FROM a\n');
  output.add(' ---> 123\nhalf a ');
  output.add('line\r\n\u001b[31mred\u001b[0m\n\n');
  output.add('10%\r20%\rdone\nStep 2/2 : RUN b\nlast');
  output.end();
  expect(told).toEqual([
    'step 1/2: Step 1/2 : FROM a',
    'step 1/2:  ---> 123',
    'step 1/2: half a line',
    'step 1/2: red',
    'step 1/2: 10%',
    'step 1/2: 20%',
    'step 1/2: done',
    'step 2/2: Step 2/2 : RUN b',
    'step 2/2: last',
  ]);
});

test('values of arguments are hidden, the longer ones first; the last ten lines are kept', () => {
  const { output, told } = collect({ A: 'secret', B: 'secret-more', C: '1', D: '' });
  output.add('a secret-more secret 1\n');
  expect(told).toEqual(['build: a *** *** 1']);
  for (let line = 0; line < 20; line += 1) output.add(`${line}\n`);
  expect(output.lastLines).toEqual(['10', '11', '12', '13', '14', '15', '16', '17', '18', '19']);
});

test('a line without end is cut', () => {
  const { output, told } = collect();
  for (let piece = 0; piece < 100; piece += 1) output.add('x'.repeat(10_000));
  output.end();
  expect(told).toHaveLength(1);
  expect(told[0]?.length).toBeLessThan(600);
});

test("BuildKit's trace is told as steps and their output", () => {
  const { output, told } = collect();
  const trace = new BuildKitTrace(output);
  const vertex = (name: string) =>
    field(1, [field(1, `d-${name}`), field(3, name), field(5, [Buffer.from([8, 0xae, 0x8a, 1])])]);
  const log = (name: string, text: string) =>
    field(3, [field(1, `d-${name}`), Buffer.from([24, 1]), field(4, text)]);
  const send = (...fields: Buffer[]) => trace.add(Buffer.concat(fields).toString('base64'));
  send(vertex('[internal] load metadata'), vertex('[one 1/2] RUN a'));
  send(vertex('[one 1/2] RUN a'), log('[one 1/2] RUN a', 'hel'));
  send(log('[one 1/2] RUN a', 'lo\n'));
  send(Buffer.from([0xff, 0xff, 0xff]));
  expect(told).toEqual(['one 1/2: [one 1/2] RUN a', 'one 1/2: hello']);
});

function field(number: number, content: string | readonly Buffer[]): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}
