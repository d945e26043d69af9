import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ImageRequest } from '@companion/core/backend';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { connectEngine } from '../../src/engine/engine.js';
import { findEngine } from '../../src/engine/find-engine.js';
import { ensureImage } from '../../src/image/ensure-image.js';
import { eachEngine, onEngine } from '../engines/each-engine.js';
import { listen } from './broken-engine.js';
import { imageEngine, publish, remove, tag } from './image-engine.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'companion-pull-'));
  vi.stubEnv('DOCKER_CONFIG', root);
  vi.stubEnv('DOCKER_AUTH_CONFIG', '');
  vi.stubEnv('REGISTRY_AUTH_FILE', join(root, 'config.json'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

type Pull = 'missing' | 'always' | 'never';
const wanted = (reference: string, pull: Pull = 'missing', platform?: string): ImageRequest => ({
  reference,
  platform,
  pull,
});

const FOREIGN = process.arch === 'arm64' ? 'amd64' : 'arm64';

eachEngine('pulling', (testEngine) => {
  const engine = imageEngine(testEngine);
  const { registry, privateRegistry } = testEngine;
  const own = `${registry}/companion-images/${engine.kind}-${process.pid}`;

  if (registry === undefined) {
    test.skip('the engine has no registry');
    return;
  }

  beforeAll(async () => {
    // Something that no engine has yet, large enough to be seen coming.
    const context = await mkdtemp(join(tmpdir(), 'companion-layer-'));
    await writeFile(join(context, 'layer'), randomBytes(3_000_000));
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY layer /\nENV A=b\nCMD ["/layer"]\n');
    const build = { context, dockerfile: undefined, target: undefined, args: {} };
    const { id, reference } = await ensureImage(engine, { build }, { emit: () => {}, signal: undefined });
    await tag(engine, id, `${own}:1`);
    await publish(engine, `${own}:1`);
    await remove(engine, reference);
    await rm(context, { recursive: true });
  });
  afterAll(() => remove(engine, `${own}:1`));

  test('an absent image is pulled with its layers told, and is present the next time', async () => {
    const { events, ...options } = listen();
    const image = await ensureImage(engine, wanted(`${own}:1`), options);
    expect(image).toMatchObject({
      reference: `${own}:1`,
      os: 'linux',
      env: expect.objectContaining({ A: 'b' }),
      command: ['/layer'],
      workDir: '/',
    });
    expect(events[0]).toMatchObject({ type: 'pulling', reference: `${own}:1` });
    expect(events.at(-1)).toMatchObject({ type: 'pulled', durationMs: expect.any(Number) });
    const progress = events.filter((event) => event.type === 'progress');
    expect(progress.length).toBeGreaterThan(0);
    // Podman 4 tells no bytes.
    if (engine.kind === 'docker') {
      expect(progress.some(({ bytes = 0, totalBytes = 0 }) => bytes > 0 && totalBytes > 2_000_000)).toBe(
        true,
      );
    }
    const again = listen();
    expect((await ensureImage(engine, wanted(`${own}:1`, 'never'), again)).id).toBe(image.id);
    expect(again.events).toEqual([]);
  });

  test('an image is found by its id, by the digest of its manifest, and pulled by that', async () => {
    const { id } = await ensureImage(engine, wanted(`${own}:1`), listen());
    expect((await ensureImage(engine, wanted(id), listen())).id).toBe(id);
    const { RepoDigests } = await engine.docker.getImage(id).inspect();
    const digest = RepoDigests!.find((name) => name.startsWith(own))!;
    expect((await ensureImage(engine, wanted(digest, 'never'), listen())).id).toBe(id);
    expect((await ensureImage(engine, wanted(digest, 'always'), listen())).id).toBe(id);
  });

  test("'always' asks the registry again", async () => {
    const { events, ...options } = listen();
    await ensureImage(engine, wanted(`${own}:1`, 'always'), options);
    expect(events.at(-1)).toMatchObject({ type: 'pulled' });
  });

  test('all of it works over the connection that the backend makes', async () => {
    const answer = await findEngine({ host: testEngine.address, context: undefined });
    if (!answer.available) throw new Error(answer.reason);
    const connected = await connectEngine(answer);
    const image = await ensureImage(connected, wanted(`${own}:1`, 'always'), listen());
    expect(
      await ensureImage(connected, wanted(image.id, 'never', `linux/${engine.arch}`), listen()),
    ).toMatchObject({
      id: image.id,
      platform: `linux/${engine.arch}`,
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const pulled = ensureImage(connected, wanted(`${own}:1`, 'always'), {
      signal: controller.signal,
      emit: () => controller.abort(reason),
    });
    await expect(pulled).rejects.toBe(reason);
  });

  test('what is absent and not to be pulled is named', async () => {
    await expect(ensureImage(engine, wanted(`${own}:2`, 'never'), listen())).rejects.toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: `image "${own}:2" is not on the engine`,
    });
  });

  test('an absent tag is an error in the words of the registry', async () => {
    await expect(ensureImage(engine, wanted(`${own}:nope`), listen())).rejects.toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringMatching(/^image ".*:nope" cannot be pulled: .*manifest unknown/),
      hint: expect.stringContaining('Check the name and the tag'),
    });
  });

  test('a dead registry is told from an absent tag', async () => {
    await expect(ensureImage(engine, wanted('127.0.0.1:1/x'), listen())).rejects.toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringContaining('connection refused'),
      hint: expect.stringContaining('could not reach 127.0.0.1:1'),
    });
  });

  test('an image of another platform is pulled for the right one, or refused', async () => {
    const name = `${own}-foreign:1`;
    const context = await mkdtemp(join(tmpdir(), 'companion-foreign-'));
    try {
      await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
      const stream = await engine.docker.buildImage(
        { context, src: ['Dockerfile'] },
        { t: name, platform: `linux/${FOREIGN}` },
      );
      for await (const _ of stream) void _;
      await publish(engine, name);
      // What is there by this name is of the engine's own platform.
      await tag(engine, (await ensureImage(engine, wanted(`${own}:1`), listen())).id, name);
      const asked = `linux/${FOREIGN}`;
      await expect(ensureImage(engine, wanted(name, 'never', asked), listen())).rejects.toMatchObject({
        message: `image "${name}" is for linux/${engine.arch}, not for ${asked}`,
      });
      const { events, ...options } = listen();
      const image = await ensureImage(engine, wanted(name, 'missing', asked), options);
      expect(image).toMatchObject({ architecture: FOREIGN, platform: asked });
      expect(events.at(-1)).toMatchObject({
        type: 'notice',
        message: expect.stringContaining('binfmt_misc'),
      });
      // The other way round there is nothing to be had.
      await expect(
        ensureImage(engine, wanted(name, 'missing', `linux/${engine.arch}`), listen()),
      ).rejects.toMatchObject({ code: 'COMPANION_IMAGE_UNAVAILABLE' });
    } finally {
      await remove(engine, name);
      await rm(context, { recursive: true });
    }
  });

  test.skipIf(privateRegistry === undefined)('a registry with a password wants the right one', async () => {
    const { host, user, password, reference } = privateRegistry!;
    const login = (secret: string) =>
      writeFile(
        join(root, 'config.json'),
        JSON.stringify({ auths: { [host]: { auth: Buffer.from(`${user}:${secret}`).toString('base64') } } }),
      );
    await expect(ensureImage(engine, wanted(reference), listen())).rejects.toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringMatching(/no basic auth credentials|unauthorized|authentication required/),
      hint: `No login for ${host} was found: check the name, or run \`${engine.kind} login ${host}\`.`,
    });
    await login('wr0ng-secret');
    const refused = await ensureImage(engine, wanted(reference), listen()).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringMatching(/unauthorized|authentication required|invalid username/),
      hint: expect.stringContaining(`refused the login of ${join(root, 'config.json')}`),
    });
    expect(String(refused)).not.toContain('wr0ng-secret');
    await login(password);
    try {
      const { events, ...options } = listen();
      expect(await ensureImage(engine, wanted(reference), options)).toMatchObject({ reference });
      expect(JSON.stringify(events)).not.toContain(password);
    } finally {
      await remove(engine, reference);
    }
  });
});

onEngine('docker', 'giving up', (testEngine) => {
  let server: ChildProcessByStdio<Writable, Readable, null>;
  const lines: string[] = [];
  let name = '';

  beforeAll(async () => {
    if (testEngine.pid === undefined) return;
    const script = join(import.meta.dirname, 'broken-registry.mjs');
    const inside = ['-t', String(testEngine.pid), '-n', '--', process.execPath, script];
    server = spawn('nsenter', inside, { stdio: ['pipe', 'pipe', 'inherit'] });
    const output = createInterface({ input: server.stdout }).on('line', (line) => lines.push(line));
    const [listening] = await once(output, 'line');
    name = `127.0.0.1:${listening.split(' ')[1]}/half:1`;
  });
  afterAll(() => {
    server?.stdin.end();
  });

  test.skipIf(testEngine.pid === undefined)(
    'the engine ends a pull that is given up in the middle of a layer, and nothing of it is left',
    async () => {
      const engine = imageEngine(testEngine);
      const controller = new AbortController();
      const reason = new Error('enough');
      const { events, ...options } = listen(controller.signal);
      const rejected = expect(ensureImage(engine, wanted(name), options)).rejects.toBe(reason);
      await expect.poll(() => lines, { timeout: 20_000 }).toContain('half');
      await expect
        .poll(() => events.some((event) => event.type === 'progress' && event.bytes), { timeout: 20_000 })
        .toBe(true);
      controller.abort(reason);
      await rejected;
      await expect.poll(() => lines, { timeout: 20_000 }).toContain('closed');
      await expect(ensureImage(engine, wanted(name, 'never'), listen())).rejects.toMatchObject({
        message: `image "${name}" is not on the engine`,
      });
    },
  );
});
