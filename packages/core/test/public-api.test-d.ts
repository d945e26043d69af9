/** Checked by tsc, never run: what the types of the public API promise. */

import type * as core from '@companion/core';
import type {
  BackendOptions,
  Capabilities,
  CompanionError,
  CompanionErrorCode,
  CompanionEvent,
  CompanionOptions,
  CompanionProcess,
  CompanionRunner,
  Endpoint,
  ExitStatus,
  PublishedEvent,
  Requirements,
  RunOptions,
  RunResult,
  Selection,
  SpawnOptions,
} from '@companion/core';
import type { Backend, BackendProcess, Environment, EnvironmentRequest } from '@companion/core/backend';
import { expectTypeOf } from 'vitest';

// A backend package adds its options so, under its name.
declare module '@companion/core' {
  interface BackendOptions {
    readonly example?: { readonly level: number };
  }
}

declare const runner: CompanionRunner;
declare const process: CompanionProcess;
declare const status: ExitStatus;

// The output of run() has the type that its encoding says, on a companion and on a process.
expectTypeOf(runner.run('x')).resolves.toEqualTypeOf<RunResult>();
expectTypeOf(runner.run('x', [], { encoding: 'utf8' })).resolves.toEqualTypeOf<RunResult>();
expectTypeOf(runner.run('x', [], { encoding: 'buffer' })).resolves.toEqualTypeOf<RunResult<Buffer>>();
expectTypeOf(runner.run('x', undefined, { encoding: 'buffer' })).resolves.toEqualTypeOf<RunResult<Buffer>>();
expectTypeOf(process.run()).resolves.toEqualTypeOf<RunResult>();
expectTypeOf(process.run({ encoding: 'buffer' })).resolves.toEqualTypeOf<RunResult<Buffer>>();
expectTypeOf<RunResult['stdout']>().toEqualTypeOf<string>();
expectTypeOf<RunResult<Buffer>['stderr']>().toEqualTypeOf<Buffer>();
// @ts-expect-error: an encoding that does not exist
void runner.run('x', [], { encoding: 'latin1' });

// How a process ended is one thing or the other: knowing one tells the other.
expectTypeOf<ExitStatus>().toEqualTypeOf<
  { readonly code: number; readonly signal: null } | { readonly code: null; readonly signal: NodeJS.Signals }
>();
if (status.signal === null) expectTypeOf(status.code).toEqualTypeOf<number>();
else expectTypeOf(status.code).toEqualTypeOf<null>();
expectTypeOf(process.wait()).resolves.toEqualTypeOf<ExitStatus>();

// Neither a process nor a companion is a promise: awaiting one gives itself.
expectTypeOf<Awaited<CompanionProcess>>().toEqualTypeOf<CompanionProcess>();
expectTypeOf<Awaited<CompanionRunner>>().toEqualTypeOf<CompanionRunner>();
expectTypeOf<CompanionProcess>().not.toHaveProperty('then');
expectTypeOf<CompanionRunner>().not.toHaveProperty('then');

// Both can be disposed of, and spawn() gives the same process that newProcess() does.
expectTypeOf<CompanionRunner>().toExtend<AsyncDisposable>();
expectTypeOf<CompanionProcess>().toExtend<AsyncDisposable>();
expectTypeOf(runner.spawn('x')).resolves.toEqualTypeOf<CompanionProcess>();
expectTypeOf(runner.newProcess('x', 'y')).toEqualTypeOf<CompanionProcess>();

// with… methods chain.
expectTypeOf(runner.withMount('/a', '/b', { readOnly: true })).toEqualTypeOf<CompanionRunner>();
expectTypeOf(runner.withPortMapping(0, 1).withEnv({ A: undefined })).toEqualTypeOf<CompanionRunner>();
expectTypeOf(
  process.withDir({ hostPath: '.' }).withTty({ columns: 1, rows: 1 }),
).toEqualTypeOf<CompanionProcess>();

// Backend options are typed by whoever merged them in, and unknown backends are refused.
expectTypeOf<NonNullable<CompanionOptions['backendOptions']>>().toEqualTypeOf<BackendOptions>();
expectTypeOf<CompanionOptions['backendOptions']>().toExtend<
  { readonly example?: { readonly level: number } } | undefined
>();
void ({ backendOptions: { example: { level: 1 } } } satisfies CompanionOptions);
// @ts-expect-error: not the type that the backend's package says
void ({ backendOptions: { example: { level: 'high' } } } satisfies CompanionOptions);
// @ts-expect-error: no package has said anything about this one
void ({ backendOptions: { other: {} } } satisfies CompanionOptions);

// Requirements take a value or several of each capability.
void ({ filesystem: ['bound', 'copied'], tty: true, network: 'private' } satisfies Requirements);
// @ts-expect-error: not a value of this capability
void ({ filesystem: 'private' } satisfies Requirements);

// Options that do not exist, or mean nothing here, are refused.
// @ts-expect-error: unknown option
void ({ sourceDirectory: '.' } satisfies CompanionOptions);
// @ts-expect-error: the command's own options are said by its builder methods
void process.run({ cwd: '/' });
// An option that is undefined is as good as left out: what comes from elsewhere can be passed on as it is.
void ({ name: undefined, ports: [{ companionPort: undefined }] } satisfies CompanionOptions);
void runner.run('x', [], { timeoutMs: undefined, signal: undefined });

// What is given out cannot be changed.
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type IsReadonly<T> =
  (<U>() => U extends T ? 1 : 2) extends <U>() => U extends Mutable<T> ? 1 : 2 ? false : true;
type WritableMembers<T> = { [K in keyof T]-?: IsReadonly<Pick<T, K>> extends true ? never : K }[keyof T];
expectTypeOf<WritableMembers<CompanionOptions>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<RunOptions>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<SpawnOptions>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<RunResult>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<Endpoint>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<Selection>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<Selection['candidates'][number]>>().toEqualTypeOf<never>();
expectTypeOf<WritableMembers<Capabilities>>().toEqualTypeOf<never>();
expectTypeOf<Selection['candidates']>().not.toExtend<unknown[]>();

// Events tell their topics and types apart.
declare const event: PublishedEvent;
expectTypeOf<PublishedEvent>().toExtend<CompanionEvent>();
if (event.topic === 'process' && event.type === 'exited')
  expectTypeOf(event.status).toEqualTypeOf<ExitStatus | null>();
expectTypeOf<Extract<CompanionEvent, { type: 'selected' }>>().toHaveProperty('fellBack');

// Errors are told apart by code.
declare const thrown: unknown;
if (({} as typeof CompanionError).is(thrown)) {
  expectTypeOf(thrown).toEqualTypeOf<CompanionError>();
  expectTypeOf(thrown.code).toEqualTypeOf<CompanionErrorCode>();
}
// @ts-expect-error: not a code
(({}) as typeof CompanionError).is(thrown, 'COMPANION_OOPS');

// Nothing public is `any`, which would switch the checks of whoever uses it off.
type IsAny<T> = 0 extends 1 & T ? true : false;
type HasAny<T> =
  IsAny<T> extends true
    ? true
    : T extends (...args: infer Args) => infer Result
      ? IsAny<Args> | IsAny<Args[number]> | IsAny<Result> | IsAny<Awaited<Result>>
      : T extends readonly (infer Item)[]
        ? IsAny<Item>
        : false;
type MembersWithAny<T> = { [K in keyof T]-?: true extends HasAny<T[K]> ? K : never }[keyof T];
expectTypeOf<MembersWithAny<typeof core>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<CompanionRunner>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<CompanionProcess>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<CompanionError>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<CompanionOptions>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<RunOptions>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<Backend>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<Environment>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<EnvironmentRequest>>().toEqualTypeOf<never>();
expectTypeOf<MembersWithAny<BackendProcess>>().toEqualTypeOf<never>();
// The check itself works.
expectTypeOf<MembersWithAny<{ good: string; bad: any; call: (a: any) => void }>>().toEqualTypeOf<
  'bad' | 'call'
>();
