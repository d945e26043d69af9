/** Checked by tsc, never run: what the types of verifyParity() promise. */

import {
  type CompanionError,
  type CompanionOptions,
  type Parity,
  type VersionAnswer,
  type VersionProbe,
  verifyParity,
} from '@companion/core';
import { expectTypeOf } from 'vitest';

declare const options: CompanionOptions;
declare const answer: VersionAnswer;
declare const anyProbes: Record<string, VersionProbe>;

// The result knows the probes that were given.
const parity = await verifyParity(options, {
  node: ['node', '--version'],
  gcc: { command: ['gcc', '--version'], pattern: /\d+/ },
});
expectTypeOf(parity).toEqualTypeOf<Parity<'node' | 'gcc'>>();
expectTypeOf(parity.probes.gcc.answers.local).toEqualTypeOf<VersionAnswer | undefined>();
// @ts-expect-error: not one of them
void parity.probes.go;
expectTypeOf(verifyParity(options, anyProbes)).resolves.toEqualTypeOf<Parity>();

// There is a version, or the reason why there is none.
if (answer.version === undefined) expectTypeOf(answer.error).toEqualTypeOf<CompanionError | undefined>();
else expectTypeOf(answer.output).toEqualTypeOf<string>();
// @ts-expect-error: only where there is no version
void answer.reason;

// No shell reads a probe.
// @ts-expect-error: a command is its words
void verifyParity(options, { node: 'node --version' });
// @ts-expect-error: a regular expression
void verifyParity(options, { node: { command: ['node'], pattern: '.*' } });
// @ts-expect-error: unknown option
void verifyParity(options, { node: ['node'] }, { timeout: 1 });
void verifyParity(options, { node: { command: ['node'], pattern: undefined } }, { signal: undefined });
