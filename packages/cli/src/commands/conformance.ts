import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CaseReport, ConformanceReport } from '@companion/testkit';
import type { Command } from '../command.js';
import { CommandLineError, usageError } from '../command-line-error.js';
import { EXIT } from '../exit-codes.js';
import { type BackendModule, loadBackendModule } from '../load-backend-module.js';
import { installCommand } from '../load-backends.js';
import { type OptionTable, type OptionValues, optionHelp, parseOptions } from '../option-table.js';
import { say } from '../print.js';
import { resolvePackage } from '../resolve-package.js';
import { SignalForwarding } from '../signal-forwarding.js';
import type { StandardStreams } from '../standard-streams.js';
import { StatusLine } from '../status-line.js';

const OPTIONS = {
  only: {
    value: 'ID|AREA',
    multiple: true,
    help: 'these cases, like signals or streams.late-reader; default: all',
  },
  image: { value: 'REFERENCE', help: 'what container backends run the cases in' },
  revision: { value: 'NUMBER', help: 'skip cases that are newer than this revision of the list' },
  require: {
    help: 'a backend that this machine cannot offer fails instead of being skipped\n(also: COMPANION_REQUIRE_BACKENDS)',
  },
  waive: {
    value: 'ID=ISSUE',
    multiple: true,
    help: 'a known defect: the case must fail; once it passes, the waiver must go',
  },
  json: { help: 'the report as JSON on stdout' },
  junit: { value: 'FILE', help: 'the report as JUnit XML in a file, too' },
} as const satisfies OptionTable;

const HELP = `Proves that a backend keeps the contract: runs the cases of @companion/testkit against it.

Usage: companion conformance <module>[#export] [options]

  <module>  a JavaScript file or a package; without #export its default export,
            else the first one that is a backend

${optionHelp(OPTIONS)}

Exit codes: 0 when no case failed, else 1; 2 for a mistake in these options; 125 when the backend or the kit cannot be
loaded.

Examples:
  companion conformance ./dist/backend.js#myBackend
  companion conformance @companion/backend-local --only signals --only streams
`;

/** `companion conformance <module>[#export]` */
export const conformanceCommand: Command = {
  help: HELP,
  execute: async (args, streams) => {
    const { values, positionals, rest } = parseOptions(args, OPTIONS);
    const [module, stray] = [...positionals, ...(rest ?? [])];
    if (module === undefined)
      throw usageError('which backend?', 'companion conformance ./my-backend.js#myBackend');
    if (stray !== undefined) throw usageError(`unexpected "${stray}"`, 'One module at a time.');
    const target = targetOf(values);
    const kit = await loadTestkit();
    const loaded = await loadBackendModule(module);
    const report = await runKit(kit, loaded, target, values, streams);
    if (values.junit !== undefined) writeReport(values.junit, kit.formatJUnit(report));
    if (values.json) streams.stdout.write(kit.formatJson(report));
    else printEnd(kit, report, module, streams);
    return report.counts.failed === 0 ? EXIT.success : EXIT.failure;
  },
};

type Testkit = typeof import('@companion/testkit');
type Values = OptionValues<typeof OPTIONS>;
type Target = Omit<Parameters<Testkit['runConformance']>[0], 'backend' | 'module'>;

function targetOf(values: Values): Target {
  const waivers = values.waive.map((given) => {
    const [, id, issue] = /^([^=]+)=(.+)$/.exec(given) ?? [];
    if (id === undefined || issue === undefined)
      throw usageError(`--waive: expected ID=ISSUE, got "${given}"`);
    return [id, issue] as const;
  });
  if (values.revision !== undefined && !/^[1-9]\d*$/.test(values.revision)) {
    throw usageError(`--revision: expected a number from 1, got "${values.revision}"`);
  }
  return {
    waivers: Object.fromEntries(waivers),
    ...(values.image === undefined ? {} : { image: values.image }),
    ...(values.revision === undefined ? {} : { revision: Number(values.revision) }),
    ...(values.require ? { required: true } : {}),
  };
}

/** The kit that stands beside the backend: the command does not bring one along. */
async function loadTestkit(): Promise<Testkit> {
  const found = resolvePackage('@companion/testkit');
  if (found === undefined) {
    throw new CommandLineError(
      'COMPANION_TESTKIT_NOT_INSTALLED',
      'the cases are in @companion/testkit, which is not installed',
      {
        hint: installCommand('@companion/testkit'),
      },
    );
  }
  const kit: Testkit = await import(pathToFileURL(found.path).href);
  return kit;
}

async function runKit(
  kit: Testkit,
  { backend, specifier }: BackendModule,
  target: Target,
  values: Values,
  { stdout, stderr }: StandardStreams,
): Promise<ConformanceReport> {
  const status = new StatusLine(values.json ? stderr : stdout);
  const signals = new SignalForwarding();
  const done = { cases: 0, failed: 0 };
  const onCase = (report: CaseReport): void => {
    done.cases += 1;
    if (report.verdict === 'failed') done.failed += 1;
    status.clear();
    if (!values.json) stdout.write(`${kit.formatCase(report)}\n`);
    status.show(`${done.cases} done, ${done.failed} failed, after ${report.id} …`);
  };
  const only = values.only.flatMap((names) => names.split(','));
  status.show(`asking ${backend.name} …`);
  try {
    const running = kit.runConformance(
      { ...target, backend, module: specifier },
      { ...(only.length === 0 ? {} : { only }), signal: signals.signal, onCase },
    );
    return await Promise.race([running, signals.insisted]);
  } catch (error) {
    if (signals.received !== undefined) throw signals.interruption(`${done.cases} cases had run`);
    // What the kit refuses is a mistake in an option.
    if (error instanceof TypeError) throw usageError(error.message, 'See companion conformance --help.');
    throw error;
  } finally {
    status.clear();
    signals.end();
  }
}

function printEnd(
  kit: Testkit,
  report: ConformanceReport,
  module: string,
  { stdout, stderr }: StandardStreams,
): void {
  // Every case has had its line; what failed is told in full.
  const failed = report.cases.filter(({ verdict }) => verdict === 'failed');
  const end =
    failed.length === 0
      ? `${kit.formatCounts(report)}\n`
      : kit.formatText({ ...report, cases: failed }, { module });
  stdout.write(`\n${end}`);
  const { passed, waived } = report.counts;
  const reason = report.cases[0]?.reason?.split('\n')[0];
  if (passed + waived + failed.length > 0) return;
  say(stderr, `nothing was shown: ${reason ?? 'no case applies'}`);
}

function writeReport(file: string, text: string): void {
  const path = resolve(file);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandLineError('COMPANION_OUTPUT_FAILED', `the report could not be written: ${why}`, {
      cause,
    });
  }
}
