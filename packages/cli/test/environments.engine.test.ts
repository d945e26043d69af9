// companion ps and companion prune, on containers of owners that live, that are dead, and that were killed half-way.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { companion } from './companion-command.js';
import { eachEngine, type TestEngine } from './each-engine.js';
import { makeProject } from './project.js';
import { startWithholdingProxy } from './withholding-proxy.js';

// Where both packages are found that an owner imports.
const packageFolder = fileURLToPath(new URL('../../backend-docker', import.meta.url));

/** Says "ready" once it has its companion, and "left" once it has shut it down, which it does when its input ends. */
const OWNER = `
import { startCompanion } from '@companion/core';
import { dockerBackend } from '@companion/backend-docker/backend';
const [image, host, name, reuse] = process.argv.slice(1);
const runner = await startCompanion({
  name, sourceDir: '.', image, reuse: reuse === 'reuse', backends: [dockerBackend], backendOptions: { docker: { host } },
});
// Or it would take away what is left behind from now on.
await runner.environment.swept;
console.log('ready');
process.stdin.resume().once('end', async () => {
  await runner.shutdown();
  console.log('left');
});
`;

function startOwner(engine: TestEngine, address: string, ...args: readonly string[]): ChildProcess {
  const all = ['--input-type=module', '--eval', OWNER, engine.images.busybox, address, ...args];
  const owner = spawn(process.execPath, all, { cwd: packageFolder, stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void owner.kill('SIGKILL'));
  return owner;
}

async function said(owner: ChildProcess, word: string): Promise<void> {
  const [chunk] = await once(owner.stdout!, 'data');
  expect(String(chunk)).toBe(`${word}\n`);
}

interface Document {
  readonly environments: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly errors: readonly unknown[];
}

eachEngine('what companions have left', (engine) => {
  // Others' containers may be on the same engine.
  const names = ['live', 'kept', 'killed'].map((word) => `${word}-${process.pid}`) as [
    string,
    string,
    string,
  ];
  const [live, kept, killed] = names;
  const ask = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await companion([...args, '--json'], {
      env: { DOCKER_HOST: engine.address },
    });
    const { environments, errors } = JSON.parse(stdout.toString()) as Document;
    expect({ code, stderr, errors }).toEqual({ code: 0, stderr: '', errors: [] });
    const ours = environments.filter(({ name }) => names.includes(name));
    return Object.fromEntries(ours.map((one) => [one.name, one]));
  };

  test('ps tells them apart, and prune removes what is dead', { timeout: 120_000 }, async () => {
    using project = makeProject();
    const proxy = await startWithholdingProxy(engine.address, project.directory);
    onTestFinished(() => proxy.close());

    const alive = startOwner(engine, engine.address, live);
    const keeper = startOwner(engine, engine.address, kept, 'reuse');
    const victim = startOwner(engine, proxy.address, killed);
    await Promise.all([said(alive, 'ready'), said(keeper, 'ready'), proxy.withheld]);
    const dead = once(victim, 'exit');
    victim.kill('SIGKILL');
    await dead;

    expect(await ask('ps')).toMatchObject({
      [live]: { backend: 'docker', state: 'running', owner: 'alive', kept: false, standing: 'in use' },
      [kept]: { state: 'running', owner: 'alive', kept: true, inUse: true, standing: 'in use' },
      [killed]: { state: 'stopped', owner: 'gone', kept: false, inUse: false, standing: 'left behind' },
    });

    expect(await ask('prune', '--kept', '--dry-run')).toMatchObject({
      [live]: { result: 'left' },
      [kept]: { result: 'left', reason: 'somebody is in it' },
      [killed]: { result: 'removed' },
    });
    expect(await ask('prune')).toMatchObject({
      [live]: { result: 'left', reason: 'its owner runs' },
      [kept]: { result: 'left', reason: 'somebody is in it' },
      [killed]: { result: 'removed', reason: 'its owner is gone' },
    });
    expect(Object.keys(await ask('ps')).sort()).toEqual([kept, live].sort());

    keeper.stdin!.end();
    await said(keeper, 'left');
    expect((await ask('ps'))[kept]).toMatchObject({ inUse: false, standing: 'kept' });
    expect((await ask('prune'))[kept]).toMatchObject({ result: 'left' });
    expect((await ask('prune', '--kept'))[kept]).toMatchObject({ result: 'removed' });

    // The one that lives has noticed nothing.
    expect(Object.keys(await ask('ps'))).toEqual([live]);
    alive.stdin!.end();
    await said(alive, 'left');
    expect(await ask('ps')).toEqual({});
  });
});
