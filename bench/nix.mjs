// What a dev shell costs: its commands beside those of the host and of `nix develop`, and entering it beside Nix's own way.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localBackend } from '@companion/backend-local/backend';
import { nixBackend } from '@companion/backend-nix/backend';
import { createCompanion, startCompanion } from '@companion/core';
import { alternate } from './measure/alternate.mjs';
import { figure } from './measure/figure.mjs';
import { goal } from './measure/goals.mjs';
import { runByHand } from './measure/runners.mjs';
import { compare, rowOf } from './measure/statistics.mjs';

// The tests' own, which is no part of a package: by address, not as a dependency.
const { missingNix, startNix } = await import(
  new URL('../packages/backend-nix/test/engines/nix.mjs', import.meta.url).href
);

const LOCAL = 'companion, local backend';
const NIX = 'companion, nix backend';
const DEVELOP = 'nix develop --command';
const PRINT = 'nix print-dev-env --json';
const WITH_HOOK = 'init(), with a shellHook';
const WITHOUT_HOOK = 'init(), without one';
const COMMANDS_PER_SAMPLE = 10;

await figure('nix', 'A Nix dev shell, evaluated before (a flake without nixpkgs)', async () => {
  const missing = missingNix();
  if (missing !== undefined) return { skipped: missing };
  const nix = await startNix();
  const flake = realpathSync(mkdtempSync(join(tmpdir(), 'companion-bench-')));
  const cacheDirectory = join(nix.directory, 'shells-of-companions');
  const { HOME: _home, PATH: _path, ...settings } = nix.env;
  Object.assign(process.env, settings);
  try {
    writeFileSync(join(flake, 'flake.nix'), flakeText());
    const companion = (attribute) =>
      createCompanion({
        backends: [nixBackend],
        sourceDir: flake,
        backendOptions: { nix: { cacheDirectory, attribute } },
      });
    const parts = [await commands(flake, companion), await starts(flake, companion)];
    return { tables: parts.map(({ table }) => table), goals: parts.flatMap(({ goals }) => goals) };
  } finally {
    rmSync(flake, { recursive: true });
    await nix.stop();
  }
});

async function commands(flake, companionOf) {
  const nix = await startOf(companionOf('hooked'));
  const local = await startCompanion({ backends: [localBackend], sourceDir: flake });
  const run = {
    [LOCAL]: (file, args) => local.run(file, args),
    [NIX]: (file, args) => nix.run(file, args),
    [DEVELOP]: (file, args) => runByHand('nix', ['develop', flake, '--command', file, ...args]),
  };
  const samples = await alternate(
    {
      [LOCAL]: () => perCommand(run[LOCAL], COMMANDS_PER_SAMPLE),
      [NIX]: () => perCommand(run[NIX], COMMANDS_PER_SAMPLE),
      [DEVELOP]: () => perCommand(run[DEVELOP], 1),
    },
    { rounds: 60, warmups: 3 },
  );
  await nix.shutdown();
  await local.shutdown();
  const rows = compare(samples, { baseline: LOCAL });
  const overDevelop = rowOf(compare(samples, { baseline: NIX }), DEVELOP).relation;
  return {
    table: {
      title: '`echo hi`, output and exit code, one after another.',
      unit: 'ms',
      baseline: LOCAL,
      rows,
    },
    goals: [
      goal({
        what: 'short command, nix backend',
        goal: '≤ 1.1 × the local backend',
        atMost: 1.1,
        unit: '×',
        measured: rowOf(rows, NIX).relation,
      }),
      goal({
        what: 'short command, nix develop',
        goal: '≥ 15 × the nix backend',
        atLeast: 15,
        unit: '×',
        measured: overDevelop,
      }),
    ],
  };
}

async function starts(flake, companionOf) {
  const samples = await alternate(
    {
      [PRINT]: () => elapsed(() => runByHand('nix', ['print-dev-env', '--json', `${flake}#hooked`])),
      [WITH_HOOK]: () => start(companionOf('hooked')),
      [WITHOUT_HOOK]: () => start(companionOf('default')),
    },
    { rounds: 60, warmups: 3 },
  );
  const rows = compare(samples, { baseline: PRINT });
  return {
    table: { title: 'Entering the shell, in a warm program.', unit: 'ms', baseline: PRINT, rows },
    goals: [WITH_HOOK, WITHOUT_HOOK].map((name) =>
      goal({
        what: `${name}, nothing changed`,
        goal: `≤ 0.3 × ${PRINT}`,
        atMost: 0.3,
        unit: '×',
        measured: rowOf(rows, name).relation,
      }),
    ),
  };
}

async function startOf(creating) {
  const companion = await creating;
  await companion.init();
  return companion;
}

/** Milliseconds of `init()` alone. */
async function start(creating) {
  const companion = await creating;
  const milliseconds = await elapsed(() => companion.init());
  await companion.shutdown();
  return milliseconds;
}

async function perCommand(run, count) {
  return (
    (await elapsed(async () => {
      for (let number = 0; number < count; number++) {
        const { stdout } = await run('echo', ['hi']);
        if (stdout !== 'hi\n') throw new Error(`got ${JSON.stringify(stdout)}`);
      }
    })) / count
  );
}

async function elapsed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function flakeText() {
  const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-${process.platform}`;
  const shell = (name, hook) => `
    devShells.${system}.${name} = derivation {
      name = "shell";
      system = "${system}";
      builder = "/bin/bash";
      outputs = [ "out" ];
      args = [ "-c" "echo built > $out" ];
      GREETING = "hi";
      ${hook}
    };`;
  return `{ outputs = { self }: {${shell('default', '')}${shell('hooked', 'shellHook = "export ENTERED=yes";')}
  }; }
`;
}
