import { defineConfig } from 'vitest/config';

const packages = `${import.meta.dirname}/packages`;

// Packages resolve to their sources, so tests and coverage need no build: '@companion/core' to its index.ts,
// '@companion/core/backend' to its backend.ts.
const alias = [
  { find: /^@companion\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
  { find: /^@companion\/([^/]+)\/(?!package\.json$)(.+)$/, replacement: `${packages}/$1/src/$2.ts` },
];

// Conformance runs against real environments and gets a project of its own: one file at a time, longer bounds.
const conformance = ['packages/*/test/**/conformance.test.ts', 'packages/*/test/**/*.conformance.test.ts'];

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
          exclude: ['**/node_modules/**', '**/dist/**', ...conformance],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: conformance,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'], reporter: ['text-summary', 'lcov'] },
  },
});
