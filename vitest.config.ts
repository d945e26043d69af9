import { defineConfig } from 'vitest/config';

const packages = `${import.meta.dirname}/packages`;

// Packages resolve to their sources, so tests and coverage need no build: '@companion/core' to its index.ts,
// '@companion/core/backend' to its backend.ts.
const alias = [
  { find: /^@companion\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
  { find: /^@companion\/([^/]+)\/(?!package\.json$)(.+)$/, replacement: `${packages}/$1/src/$2.ts` },
];

// The mutants of the kit, which prove that its cases bite: they spend their time waiting for backends that hang.
const mutants = ['packages/testkit/test/mutants/*.test.ts'];

// Conformance runs against real environments and gets a project of its own: one file at a time, longer bounds.
const conformance = ['packages/*/test/**/conformance.test.ts', 'packages/*/test/**/*.conformance.test.ts'];

// What needs Docker or Podman, their conformance included: all files share the engines that the project sets up.
const engines = [
  'packages/*/test/**/*.engine.test.ts',
  'packages/backend-docker/test/**/*.conformance.test.ts',
];
// What needs Nix: each file makes a store of its own.
const nix = ['packages/*/test/**/*.nix.test.ts', 'packages/backend-nix/test/**/*.conformance.test.ts'];
const elsewhere = ['**/node_modules/**', '**/dist/**', ...engines, ...nix];

export default defineConfig({
  resolve: { alias },
  test: {
    // A test that passes at the second try has found a defect.
    retry: 0,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts'],
          exclude: [...elsewhere, ...conformance, ...mutants],
          // More workers than processors: the tests of the command mostly wait for the programs that they start.
          maxWorkers: 3,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: conformance,
          exclude: elsewhere,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'mutants',
          include: mutants,
          maxWorkers: 8,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          include: engines,
          globalSetup: ['packages/backend-docker/test/engines/global-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'nix',
          include: nix,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'], reporter: ['text-summary', 'lcov'] },
  },
});
