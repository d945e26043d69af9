import { expect, test } from 'vitest';
import { formatJUnit } from '../src/junit.js';
import { type CaseReport, formatJson, formatText, reportOf } from '../src/report.js';

const cases: readonly CaseReport[] = [
  { id: 'exit-status.codes', title: 'Codes arrive.', verdict: 'passed', durationMs: 12.4 },
  {
    id: 'streams.separate',
    title: 'Streams are "separate" & <apart>.',
    verdict: 'failed',
    reason: 'stdout has its own bytes only\n+ actual \u0007 - expected',
    durationMs: 1500,
  },
  {
    id: 'terminals.size',
    title: 'A size.',
    verdict: 'skipped',
    reason: 'applies to tty true, it has false',
    durationMs: 0,
  },
  { id: 'users.honoured', title: 'A user.', verdict: 'waived', reason: '#7\nuid 0', durationMs: 3 },
];
const report = reportOf('local', cases);

test('verdicts are counted', () => {
  expect(report).toEqual({
    backend: 'local',
    counts: { passed: 1, failed: 1, skipped: 1, waived: 1 },
    cases,
  });
});

test('the text has a line per case, what failed in full, and the sum last', () => {
  expect(formatText(report, { module: './my-backend.js' })).toBe(`\
passed   exit-status.codes: Codes arrive. (12 ms)
failed   streams.separate: Streams are "separate" & <apart>.
skipped  terminals.size: A size. [applies to tty true, it has false]
waived   users.honoured: A user. [#7]

FAILED streams.separate
  rule:    Streams are "separate" & <apart>.
  not so:  stdout has its own bytes only
           + actual \u0007 - expected
  source:  src/cases/streams.ts of @companion/testkit
  alone:   npx companion conformance ./my-backend.js --only streams.separate

local: 1 passed, 1 failed, 1 skipped, 1 waived
`);
});

test('the JSON is the report', () => {
  expect(JSON.parse(formatJson(report))).toEqual(report);
});

test('the JUnit file says the same to CI systems', () => {
  expect(formatJUnit(report)).toBe(`\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="conformance of local" tests="4" failures="1" errors="0" skipped="2" time="1.515">
  <testsuite name="conformance of local" tests="4" failures="1" errors="0" skipped="2" time="1.515">
    <testcase classname="local.exit-status" name="exit-status.codes: Codes arrive." file="src/cases/exit-status.ts" time="0.012"/>
    <testcase classname="local.streams" name="streams.separate: Streams are &quot;separate&quot; &amp; &lt;apart&gt;." file="src/cases/streams.ts" time="1.500">
      <failure message="stdout has its own bytes only">stdout has its own bytes only
+ actual \ufffd - expected</failure>
    </testcase>
    <testcase classname="local.terminals" name="terminals.size: A size." file="src/cases/terminals.ts" time="0.000">
      <skipped message="applies to tty true, it has false"/>
    </testcase>
    <testcase classname="local.users" name="users.honoured: A user." file="src/cases/users.ts" time="0.003">
      <skipped message="waived: #7"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});
