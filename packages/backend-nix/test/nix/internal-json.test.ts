import { expect, test } from 'vitest';
import { parseLogLine } from '../../src/nix/internal-json.js';

test('a start has what it is about', () => {
  const line =
    '@nix {"action":"start","fields":["/nix/store/x.drv","",1,1],"id":17,"level":3,"parent":16,"text":"building","type":105}';
  expect(parseLogLine(line)).toEqual({
    is: 'start',
    id: '17',
    parent: '16',
    type: 105,
    level: 3,
    text: 'building',
    fields: ['/nix/store/x.drv', '', 1, 1],
  });
});

test('what is missing has a default', () => {
  expect(parseLogLine('@nix {"action":"start","id":1,"level":0,"text":"","type":102}')).toMatchObject({
    parent: '',
    fields: [],
  });
  expect(parseLogLine('@nix {"action":"msg"}')).toEqual({ is: 'words', text: '', level: 0 });
});

test('ids beyond the numbers of JavaScript stay apart', () => {
  const ids = ['18014398509481985', '18014398509481986'];
  const entries = ids.map((id) => parseLogLine(`@nix {"action":"stop","id":${id}}`));
  expect(entries).toEqual(ids.map((id) => ({ is: 'stop', id })));
});

test('an id in a text is none', () => {
  const line = '@nix {"action":"result","fields":["said \\"id\\":5"],"id":6,"type":101}';
  expect(parseLogLine(line)).toMatchObject({ id: '6', fields: ['said "id":5'] });
});

test('words have the level of who says them; those of other programs are errors', () => {
  expect(parseLogLine('@nix {"action":"msg","level":1,"msg":"warning: w"}')).toEqual({
    is: 'words',
    text: 'warning: w',
    level: 1,
  });
  expect(parseLogLine("fatal: couldn't find remote ref")).toEqual({
    is: 'words',
    text: "fatal: couldn't find remote ref",
    level: 0,
  });
});

test.each(['@nix {"action":', '@nix null', '@nix 5'])(
  '%s is words, for nothing else can be made of it',
  (line) => {
    expect(parseLogLine(line)).toEqual({ is: 'words', text: line, level: 0 });
  },
);

test('an action that a later Nix may add says nothing', () => {
  expect(parseLogLine('@nix {"action":"ask","question":"y/n"}')).toBeUndefined();
});
