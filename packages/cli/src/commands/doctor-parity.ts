import type { Parity } from '@companion/core';
import { usageError } from '../command-line-error.js';
import { EXIT, exitCodeOfSignal } from '../exit-codes.js';
import {
  installCommand,
  type LoadedBackend,
  loadBackends,
  loadUsableBackends,
  whyNotLoaded,
} from '../load-backends.js';
import { failureOf, printJson } from '../print.js';
import { SignalForwarding } from '../signal-forwarding.js';
import type { OutputSink, StandardStreams } from '../standard-streams.js';
import { StartProgress, StatusLine } from '../status-line.js';
import type { ParityRequest } from './doctor-parity-options.js';
import { describeParity } from './doctor-parity-text.js';

/** `companion doctor --parity`. Resolves with the exit code; a signal ends it, with everything it has started. */
export async function reportParity(request: ParityRequest, streams: StandardStreams): Promise<number> {
  const signals = new SignalForwarding();
  try {
    return await Promise.race([compare(request, streams, signals.signal), signals.insisted]);
  } catch (error) {
    if (signals.received === undefined || failureOf(error).code !== 'COMPANION_ABORTED') throw error;
    if (request.json) throw signals.interruption('before there was a result');
    return exitCodeOfSignal(signals.received);
  } finally {
    signals.end();
  }
}

async function compare(
  request: ParityRequest,
  streams: StandardStreams,
  signal: AbortSignal,
): Promise<number> {
  const loaded = await load(request);
  const document = reportOf(await verify(request, loaded, streams.stderr, signal), loaded);
  if (request.json) printJson(streams.stdout, document);
  else streams.stdout.write(describeParity(document, request.backends));
  return document.same ? EXIT.success : EXIT.failure;
}

async function load({ load: modules, backends }: ParityRequest): Promise<readonly LoadedBackend[]> {
  if (backends.length === 0) return await loadBackends(modules);
  const loaded: LoadedBackend[] = [];
  for (const name of new Set(backends)) {
    loaded.push(...(await loadUsableBackends(name, '--backend', modules)));
  }
  return loaded;
}

async function verify(
  { options, probes, backends }: ParityRequest,
  loaded: readonly LoadedBackend[],
  stderr: OutputSink,
  signal: AbortSignal,
): Promise<Parity> {
  const { verifyParity } = await import('@companion/core');
  const progress = new StartProgress(new StatusLine(stderr));
  try {
    return await verifyParity(
      {
        ...options,
        backends: loaded.flatMap((one) => (one.state === 'loaded' ? [one.backend] : [])),
        onEvent: (event) => progress.take(event),
      },
      probes,
      { signal, required: backends },
    );
  } catch (error) {
    // What core refuses in an option is a mistake on this command line.
    if (error instanceof TypeError) throw usageError(error.message, 'See companion doctor --help.');
    throw error;
  }
}

/** What `--json` prints. Members may be added, none is taken away. */
export type ParityReport = ReturnType<typeof reportOf>;

function reportOf(parity: Parity, loaded: readonly LoadedBackend[]) {
  const probes = Object.entries(parity.probes).filter(([, { same, answers }]) => {
    // What is optional and nowhere says nothing.
    return !same || Object.values(answers).some(({ version }) => version !== undefined);
  });
  const differences = [
    ...parity.differences,
    ...(probes.length === 0 ? ['none of the tools that were looked for is there'] : []),
  ];
  return {
    same: differences.length === 0,
    differences,
    backends: [
      ...parity.backends.map(backendDocument),
      ...loaded.filter(({ state }) => state !== 'loaded').map(notLoaded),
    ],
    probes: Object.fromEntries(probes.map(([name, probe]) => [name, probeDocument(probe)])),
  };
}

function backendDocument({ backend, state, reason, hint, detail, error }: Parity['backends'][number]) {
  const code = error === undefined ? null : failureOf(error).code;
  return { backend, state, reason: reason ?? null, hint: hint ?? null, detail: detail ?? null, code };
}

function notLoaded(one: LoadedBackend) {
  const { name: backend, packageName, state } = one;
  const hint = `${state === 'broken' ? 'Install it again: ' : ''}${installCommand(packageName)}`;
  return { backend, state, reason: whyNotLoaded(one) ?? null, hint, detail: null, code: null };
}

function probeDocument({ same, variants, answers }: Parity['probes'][string]) {
  const documents = Object.entries(answers).map(([backend, answer]) => {
    if (answer.version !== undefined) return [backend, { ...answer, reason: null, code: null }];
    const { reason, error } = answer;
    return [backend, { version: null, output: null, reason, code: error?.code ?? null }];
  });
  return { same, variants, answers: Object.fromEntries(documents) };
}
