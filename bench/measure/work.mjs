// What one sample of a contender is: the same job for whoever runs commands, writes output or answers.
import { once } from 'node:events';

/** Milliseconds per command, of so many one after another. */
export function millisecondsPerCommand(run, commands = 10) {
  return async () => {
    const startedAt = performance.now();
    for (let number = 0; number < commands; number++) await checked(run, 'hi');
    return (performance.now() - startedAt) / commands;
  };
}

/** Commands per second, of so many with so many at a time. */
export function commandsPerSecond(run, commands, concurrency) {
  return async () => {
    let next = 0;
    const worker = async () => {
      while (next < commands) await checked(run, String(next++));
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: concurrency }, worker));
    return (commands * 1000) / (performance.now() - startedAt);
  };
}

async function checked(run, text) {
  const { stdout, code } = await run('echo', [text]);
  if (stdout !== `${text}\n` || code !== 0) throw new Error(`got ${JSON.stringify({ stdout, code })}`);
}

/** MiB per second of an output, from the call that opens it to its end. */
export function mebibytesPerSecond(open, mebibytes) {
  return async () => {
    const startedAt = performance.now();
    let bytes = 0;
    const stdout = await open();
    stdout.on('data', (chunk) => {
      bytes += chunk.length;
    });
    await once(stdout, 'end');
    if (bytes !== mebibytes * 2 ** 20) throw new Error(`expected ${mebibytes} MiB, got ${bytes} bytes`);
    return (mebibytes * 1000) / (performance.now() - startedAt);
  };
}

/** Microseconds per round trip of a message to something that sends back what it gets. */
export function microsecondsPerTrip({ stdin, stdout }, message, trips) {
  let missing = 0;
  let arrived = () => {};
  stdout.on('data', (chunk) => {
    missing -= chunk.length;
    if (missing === 0) arrived();
  });
  const trip = () =>
    new Promise((resolve) => {
      missing = message.length;
      arrived = resolve;
      stdin.write(message);
    });
  return async () => {
    const startedAt = performance.now();
    for (let number = 0; number < trips; number++) await trip();
    return ((performance.now() - startedAt) * 1000) / trips;
  };
}

/** The same sampler for each contender. */
export function each(contenders, sampler) {
  return Object.fromEntries(Object.entries(contenders).map(([name, one]) => [name, sampler(one)]));
}
