import { localBackend } from '@companion/backend-local/backend';
import { test } from 'vitest';
import { judge } from './judge.js';
import { terminalsMutants } from './terminals.js';

if (process.platform === 'linux') judge('terminals', terminalsMutants, localBackend);
else test.skip('mutants of terminals (skipped: the local backend has terminals on Linux only)', () => {});
