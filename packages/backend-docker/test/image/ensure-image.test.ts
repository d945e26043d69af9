import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageRequest } from '@companion/core/backend';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ensureImage } from '../../src/image/ensure-image.js';
import {
  ABSENT,
  type Answer,
  deferred,
  INSPECTION,
  json,
  listen,
  messages,
  startBrokenEngine,
} from './broken-engine.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'companion-image-'));
  vi.stubEnv('DOCKER_CONFIG', root);
  vi.stubEnv('DOCKER_AUTH_CONFIG', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

function wanted(
  reference: string,
  options: { platform?: string; pull?: 'missing' | 'always' | 'never' } = {},
): ImageRequest {
  return { reference, platform: options.platform, pull: options.pull ?? 'missing' };
}

/** Absent until it has been created once. */
function absentAtFirst(create: Answer): { inspect: Answer; create: Answer } {
  let isThere = false;
  return {
    inspect: (request, response) => (isThere ? json(INSPECTION) : ABSENT)(request, response),
    create: (request, response) => {
      isThere = true;
      create(request, response);
    },
  };
}

const HANG: Answer = () => {};

test('what a present image says of itself is told, and nothing is pulled', async () => {
  await using engine = await startBrokenEngine({ inspect: json(INSPECTION) });
  const { events, ...options } = listen();
  expect(await ensureImage(engine, wanted('tool'), options)).toEqual({
    id: INSPECTION.Id,
    reference: 'tool',
    os: 'linux',
    architecture: 'amd64',
    variant: undefined,
    platform: undefined,
    env: { PATH: '/bin', A: 'b=c', EMPTY: '' },
    user: '',
    entrypoint: [],
    command: ['sh'],
    workDir: '/',
  });
  expect(events).toEqual([]);
  expect(engine.requests.map(({ url }) => decodeURIComponent(url))).toEqual([
    '/images/docker.io/library/tool:latest/json',
  ]);
});

test('a pull is told from its beginning to its end, with the bytes of layers', async () => {
  await using engine = await startBrokenEngine(
    absentAtFirst(
      messages(
        { status: 'Pulling from library/tool', id: 'latest' },
        { status: 'Pulling fs layer', progressDetail: {}, id: 'aaa' },
        { status: 'Downloading', progressDetail: { current: 5, total: 10 }, id: 'aaa' },
        { status: 'Download complete', progressDetail: {}, id: 'aaa' },
        { status: 'Digest: sha256:1' },
      ),
    ),
  );
  const { events, ...options } = listen();
  await ensureImage(engine, wanted('tool'), options);
  const about = { topic: 'image', reference: 'tool' };
  expect(events).toEqual([
    { ...about, type: 'pulling' },
    { ...about, type: 'progress', layer: 'aaa', status: 'Pulling fs layer' },
    { ...about, type: 'progress', layer: 'aaa', status: 'Downloading', bytes: 5, totalBytes: 10 },
    { ...about, type: 'progress', layer: 'aaa', status: 'Download complete' },
    { ...about, type: 'pulled', durationMs: expect.any(Number) },
  ]);
});

test('progress is thinned out, and the last of it is not lost', async () => {
  const states = Array.from({ length: 5_000 }, (_, index) => ({
    status: 'Downloading',
    progressDetail: { current: index + 1, total: 5_000 },
    id: 'aaa',
  }));
  await using engine = await startBrokenEngine(absentAtFirst(messages(...states)));
  const { events, ...options } = listen();
  const begun = performance.now();
  await ensureImage(engine, wanted('tool'), options);
  const allowed = 3 + (performance.now() - begun) / 100;
  const progress = events.filter((event) => event.type === 'progress');
  expect(progress.length).toBeLessThanOrEqual(allowed);
  expect(progress.at(-1)).toMatchObject({ bytes: 5_000, totalBytes: 5_000 });
});

test("'always' pulls what is present, 'never' pulls nothing", async () => {
  await using engine = await startBrokenEngine({ inspect: json(INSPECTION), create: messages({}) });
  await ensureImage(engine, wanted('tool', { pull: 'always' }), listen());
  expect(engine.requests.some(({ url }) => url.startsWith('/images/create'))).toBe(true);
  await using empty = await startBrokenEngine({});
  await expect(ensureImage(empty, wanted('tool', { pull: 'never' }), listen())).rejects.toMatchObject({
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    message: 'image "tool" is not on the engine',
    hint: expect.stringContaining("'never'"),
  });
  expect(empty.requests).toHaveLength(1);
});

test('an image of another platform is refused under never, naming both, and pulled under missing', async () => {
  await using engine = await startBrokenEngine({ inspect: json(INSPECTION), create: messages({}) });
  const message = 'image "tool" is for linux/amd64, not for linux/arm64';
  for (const pull of ['never', 'missing'] as const) {
    await expect(
      ensureImage(engine, wanted('tool', { platform: 'linux/arm64', pull }), listen()),
    ).rejects.toMatchObject({ code: 'COMPANION_IMAGE_UNAVAILABLE', message });
  }
  const created = engine.requests.filter(({ url }) => url.startsWith('/images/create'));
  expect(created).toHaveLength(1);
  expect(decodeURIComponent(created[0]!.url)).toContain('platform=linux/arm64');
});

test('an image for another processor is noticed, and one for Windows refused', async () => {
  await using engine = await startBrokenEngine({ inspect: json({ ...INSPECTION, Architecture: 'arm64' }) });
  const { events, ...options } = listen();
  await ensureImage(engine, wanted('tool'), options);
  expect(events).toEqual([
    { topic: 'environment', type: 'notice', message: expect.stringMatching(/linux\/arm64.*binfmt_misc/) },
  ]);
  await using windows = await startBrokenEngine({ inspect: json({ ...INSPECTION, Os: 'windows' }) });
  const unsupported = { code: 'COMPANION_UNSUPPORTED', message: expect.stringContaining('for windows') };
  await expect(ensureImage(windows, wanted('tool'), listen())).rejects.toMatchObject(unsupported);
  const asked = wanted('tool', { platform: 'windows/amd64' });
  await expect(ensureImage(engine, asked, listen())).rejects.toMatchObject(unsupported);
});

test('an id is looked for and never pulled', async () => {
  await using engine = await startBrokenEngine({});
  await expect(ensureImage(engine, wanted('f'.repeat(64)), listen())).rejects.toMatchObject({
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    hint: expect.stringContaining('id'),
  });
  expect(engine.requests.map(({ url }) => url)).toEqual([`/images/${'f'.repeat(64)}/json`]);
});

test('an error inside the stream is the reason, in the words of the registry', async () => {
  const error = { error: 'short', errorDetail: { message: 'toomanyrequests: slow\ndown' } };
  await using engine = await startBrokenEngine(
    absentAtFirst(messages({ status: 'Downloading', id: 'a' }, error)),
  );
  await expect(ensureImage(engine, wanted('tool'), listen())).rejects.toMatchObject({
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    message: 'image "tool" cannot be pulled: toomanyrequests: slow down',
    hint: expect.stringContaining('docker login'),
  });
});

test.each<[string, Answer, RegExp]>([
  [
    'cut off',
    (_, response) => {
      response.writeHead(200);
      response.write('{"status":"x"}\n');
      setImmediate(() => response.destroy());
    },
    /aborted|ECONNRESET|hang up/,
  ],
  ['no messages', messages('<html>'), /sent "<html>" where a message was due/],
  [
    'one endless line',
    (_, response) => {
      response.writeHead(200);
      response.write('x'.repeat(3_000_000));
    },
    /more than 1 MiB/,
  ],
  ['an end before the image is there', () => {}, /not there although/],
])('a pull that is %s is an error', async (what, create, words) => {
  const ended = what.startsWith('an end') ? messages({ status: 'fine' }) : create;
  await using engine = await startBrokenEngine({ inspect: ABSENT, create: ended });
  await expect(ensureImage(engine, wanted('tool'), listen())).rejects.toMatchObject({
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    message: expect.stringMatching(words),
  });
});

test('aborting destroys the request and rejects with the reason, whatever the engine is at', async () => {
  const reason = new Error('enough');
  const stages: Record<string, { inspect?: Answer; create?: Answer }> = {
    'does not say whether it has the image': { inspect: HANG },
    'does not begin': { create: HANG },
    'is in the middle': {
      create: (_, response) => {
        response.writeHead(200);
        response.write('{"status":"a","id":"b"}\n');
      },
    },
    'does not say why not': {
      create: (_, response) => {
        response.writeHead(500);
        response.write('{');
      },
    },
  };
  for (const [stage, answers] of Object.entries(stages)) {
    const reached = deferred();
    const gone = deferred();
    const watch = (answer: Answer | undefined): { answer?: Answer } =>
      answer === undefined
        ? {}
        : {
            answer: (request, response) => {
              response.on('close', () => gone.resolve());
              answer(request, response);
              reached.resolve();
            },
          };
    const inspect = watch(answers.inspect).answer;
    const create = watch(answers.create).answer;
    await using engine = await startBrokenEngine({ ...(inspect && { inspect }), ...(create && { create }) });
    const controller = new AbortController();
    const ensured = ensureImage(engine, wanted('tool'), listen(controller.signal));
    const rejected = expect(ensured, stage).rejects.toBe(reason);
    await reached.promise;
    controller.abort(reason);
    await rejected;
    await gone.promise;
  }
});

test('an aborted signal asks nothing', async () => {
  await using engine = await startBrokenEngine({});
  const reason = new Error('before');
  await expect(ensureImage(engine, wanted('tool'), listen(AbortSignal.abort(reason)))).rejects.toBe(reason);
  expect(engine.requests).toEqual([]);
});

test('two pulls of one image are one, and giving up one does not end the other', async () => {
  let pulls = 0;
  const begun = deferred();
  const finish = deferred();
  const closed: string[] = [];
  await using engine = await startBrokenEngine(
    absentAtFirst((_, response) => {
      pulls += 1;
      response.on('close', () => closed.push('closed'));
      response.writeHead(200);
      response.write('{"status":"Downloading","id":"a"}\n');
      void finish.promise.then(() => response.end());
    }),
  );
  const controller = new AbortController();
  const first = listen(controller.signal);
  const given = expect(
    ensureImage(engine, wanted('tool', { pull: 'always' }), {
      ...first,
      emit: (event) => {
        first.emit(event);
        if (event.type === 'progress') begun.resolve();
      },
    }),
  ).rejects.toThrow('enough');
  await begun.promise;
  const second = listen();
  const other = ensureImage(engine, wanted('docker.io/library/tool:latest', { pull: 'always' }), second);
  controller.abort(new Error('enough'));
  await given;
  expect(closed).toEqual([]);
  finish.resolve();
  await other;
  expect(pulls).toBe(1);
  // What was said before it joined is said to the second, too, by its own name for the image.
  expect(second.events).toContainEqual({
    topic: 'image',
    type: 'progress',
    reference: 'docker.io/library/tool:latest',
    layer: 'a',
    status: 'Downloading',
  });
  await ensureImage(engine, wanted('tool', { pull: 'always' }), listen());
  expect(pulls).toBe(2);
});

test('a login is sent in its header, and is in no event, message, hint or address', async () => {
  // What base64 turns into + and /, which an engine takes for URL-safe.
  const password = 's3cret?>~ÿ';
  const auth = Buffer.from(`me:${password}`).toString('base64');
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'config.json'), JSON.stringify({ auths: { 'r.example': { auth } } }));
  await using engine = await startBrokenEngine({
    create: messages(
      { status: 'Downloading', id: 'a' },
      { error: `unauthorized: ${password} is wrong, see https://me:pw@r.example/x?token=abc` },
    ),
  });
  const { events, ...options } = listen();
  const error = await ensureImage(engine, wanted('r.example/tool'), options).catch((error: unknown) => error);
  const sent = engine.requests.at(-1)!;
  expect(sent.auth).toMatch(/^[\w-]+=*$/);
  expect(JSON.parse(Buffer.from(sent.auth!, 'base64url').toString())).toEqual({
    username: 'me',
    password,
    serveraddress: 'r.example',
  });
  expect(error).toMatchObject({
    message:
      'image "r.example/tool" cannot be pulled: unauthorized: *** is wrong, see https://***@r.example/x?…',
    hint: expect.stringContaining('docker login r.example'),
  });
  const told = JSON.stringify([
    events,
    String(error),
    Object(error).hint,
    engine.requests.map(({ url }) => url),
  ]);
  expect(told).not.toContain('s3cret');
  expect(told).not.toContain(auth);
});

test('a helper that fails is named where the registry refuses', async () => {
  await writeFile(join(root, 'config.json'), JSON.stringify({ credsStore: 'companion-none' }));
  await using engine = await startBrokenEngine({
    create: (_, response) => {
      response.writeHead(500);
      response.end('{"message":"Get \\"https://r.example/v2/\\": no basic auth credentials"}');
    },
  });
  await expect(ensureImage(engine, wanted('r.example/tool'), listen())).rejects.toMatchObject({
    message:
      'image "r.example/tool" cannot be pulled: Get "https://r.example/v2/": no basic auth credentials',
    hint: 'No login for r.example was found (docker-credential-companion-none is not on the PATH): check the name, or run `docker login r.example`.',
  });
});
