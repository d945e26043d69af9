// What `npm run check` runs: everything about the code that needs no test run. All of it, also after a failure.
import { finish, reportCommand } from './check-report.mjs';
import { checkSupervisor } from './check-supervisor.mjs';

reportCommand('formatted and linted (biome)', 'biome', ['ci', '--colors=off', '.']);
// First of those that read types: oxlint and knip see the packages as their builds describe them.
reportCommand('types, also of the tests (tsc)', 'tsc', ['-b']);
reportCommand('no promise is forgotten (oxlint, type-aware)', 'oxlint', ['--type-aware', '--deny-warnings']);
reportCommand('dependencies point one way (turbo boundaries)', 'turbo', ['boundaries']);
reportCommand('nothing is unused or undeclared (knip)', 'knip');
reportCommand('packages keep their rules (check-packages)', process.execPath, ['scripts/check-packages.mjs']);
reportCommand('the lockfile is whole (check-lockfile)', process.execPath, ['scripts/check-lockfile.mjs']);
reportCommand('the docs say what is so (check-docs)', process.execPath, ['scripts/check-docs.mjs']);
checkSupervisor();
finish('check');
