// A program with a companion in which something runs that nobody can ask to end. It says so, and waits to be killed.
import { startCompanion } from '@companion/core';
import { configuredBackend } from './configured-backend.js';

const [sourceDir, mark] = process.argv.slice(2);
const runner = await startCompanion({ backends: [configuredBackend], sourceDir, env: { MARK: mark } });
const script = 'trap "" TERM HUP; setsid sleep 1000 & echo running; while :; do sleep 0.1; done';
const running = await runner.spawn('sh', ['-c', script]);
for await (const line of running.lines()) console.log(line);
