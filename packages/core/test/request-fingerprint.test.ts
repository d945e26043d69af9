import type { CompanionOptions } from '@companion/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startedFake } from './fake-companion.js';

/** What a start with these options would look for. */
async function fingerprint(options: CompanionOptions): Promise<string> {
  const { runner, environment } = await startedFake(
    {
      capabilities: { filesystem: 'bound', network: 'private' },
      connect: () => Promise.reject(new Error('no')),
    },
    { reuse: true, ...options },
  );
  await runner.shutdown();
  return environment.request.reuse === false
    ? expect.fail('reuse is off')
    : environment.request.reuse.fingerprint;
}

const base: CompanionOptions = {
  name: 'lsp',
  image: 'node:24',
  env: { A: '1', B: '2' },
  mounts: [{ hostPath: '.', companionPath: '/m' }],
  ports: [4711],
  limits: { cpus: 1, memoryBytes: 1024 },
};

afterEach(() => vi.unstubAllEnvs());

describe('a configuration fingerprint', () => {
  it('is the same for the same configuration, however it is written', async () => {
    const first = await fingerprint(base);
    expect(await fingerprint(base)).toBe(first);
    expect(
      await fingerprint({
        ...base,
        env: { B: '2', A: '1', C: undefined },
        image: { pull: 'missing', reference: 'node:24' },
        mounts: [{ companionPath: '/m/', readOnly: false, hostPath: import.meta.dirname }],
        limits: { memoryBytes: 1024, cpus: 1 },
        onEvent: () => {},
      }),
    ).toBe(first);
  });

  it('is the same whatever the variables of this process are', async () => {
    const first = await fingerprint(base);
    vi.stubEnv('COMPANION_TEST_VARIABLE', 'something');
    expect(await fingerprint(base)).toBe(first);
    expect(await fingerprint({ ...base, hostEnv: 'minimal' })).toBe(first);
  });

  it('is the same from run to run when a port is any free one', async () => {
    const options = { ...base, ports: [{ name: 'lsp' }, { name: 'debug' }] };
    expect(await fingerprint(options)).toBe(await fingerprint(options));
  });

  it.each<[string, CompanionOptions]>([
    ['name', { name: 'other' }],
    ['sourceDir', { sourceDir: '/', mounts: [] }],
    ['workspaceDir', { workspaceDir: '/src' }],
    ['workDir', { workDir: 'sub' }],
    ['image', { image: 'node:22' }],
    ['a variable’s value', { env: { A: '1', B: '3' } }],
    ['a variable', { env: { A: '1' } }],
    ['mounts', { mounts: [{ hostPath: '.', companionPath: '/m', readOnly: true }] }],
    ['ports', { ports: [4712] }],
    ['user', { user: 'image' }],
    ['limits', { limits: { cpus: 2, memoryBytes: 1024 } }],
    ['network', { network: 'none' }],
    ['pause', { pause: false }],
    ['command', { pause: false, command: ['serve'] }],
    ['backendOptions', { backendOptions: { fake: { privileged: true } } as object }],
  ])('is another with another %s', async (_what, change) => {
    expect(await fingerprint({ ...base, ...change })).not.toBe(await fingerprint(base));
  });

  it('shows nothing of the values', async () => {
    expect(await fingerprint({ ...base, env: { TOKEN: 'hunter2' } })).toMatch(/^[0-9a-f]{64}$/);
  });
});
