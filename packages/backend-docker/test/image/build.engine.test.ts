import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageRequest } from '@companion/core/backend';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ensureImage } from '../../src/image/ensure-image.js';
import { eachEngine } from '../engines/each-engine.js';
import { listen } from './broken-engine.js';
import { imageEngine, remove } from './image-engine.js';

let context: string;
beforeEach(async () => {
  context = await mkdtemp(join(tmpdir(), 'companion build '));
  // Logins of whoever runs the tests are no matter of theirs.
  for (const name of ['DOCKER_CONFIG', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME']) vi.stubEnv(name, context);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(context, { recursive: true, force: true });
});

function build(
  options: { dockerfile?: string; target?: string; args?: Readonly<Record<string, string>> } = {},
): ImageRequest {
  const { dockerfile, target, args = {} } = options;
  return { build: { context, dockerfile, target, args } };
}

eachEngine('building', (testEngine) => {
  const engine = imageEngine(testEngine);
  const { busybox } = testEngine.images;
  const references = new Set<string>();
  const ensure: typeof ensureImage = async (on, request, options) => {
    const image = await ensureImage(on, request, options);
    references.add(engine.kind === 'podman' ? `localhost/${image.reference}` : image.reference);
    return image;
  };
  afterEach(async () => {
    for (const reference of references) await remove(engine, reference);
    references.clear();
  });

  test('the result is described, tagged by what it is built from, and told step by step', async () => {
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM ${busybox}\nARG SECRET\nENV FROM_IMAGE=yes\nRUN echo "said $SECRET" && echo other\nWORKDIR /srv\nUSER 7:8\nENTRYPOINT ["/bin/echo"]\nCMD ["a", "b"]\n`,
    );
    const { events, ...options } = listen();
    const request = build({ args: { SECRET: 'hunter22' } });
    const image = await ensure(engine, request, options);
    expect(image).toMatchObject({
      reference: expect.stringMatching(/^companion-build:[0-9a-f]{16}$/),
      os: 'linux',
      architecture: engine.arch,
      env: { PATH: '/bin', FROM_IMAGE: 'yes' },
      workDir: '/srv',
      user: '7:8',
      entrypoint: ['/bin/echo'],
      command: ['a', 'b'],
    });
    expect(events[0]).toMatchObject({ type: 'pulling', reference: image.reference });
    expect(events.at(-1)).toMatchObject({ type: 'pulled' });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'progress',
        layer: expect.stringMatching(/^step \d/),
        status: 'said ***',
      }),
    );
    expect(JSON.stringify(events)).not.toContain('hunter22');
    const again = await ensure(engine, request, listen());
    expect(again).toMatchObject({ id: image.id, reference: image.reference });
    const other = await ensure(engine, build({ args: { SECRET: 'another' } }), listen());
    expect(other.reference).toBe(image.reference);
  });

  test('target, Dockerfile in a folder, ignored files and modes are honoured', async () => {
    await mkdir(join(context, 'docker'));
    await writeFile(join(context, 'kept'), '', { mode: 0o640 });
    await writeFile(join(context, 'left'), '');
    await writeFile(join(context, '.dockerignore'), 'left\n');
    const stages = `FROM ${busybox} AS one\nCOPY . /c/\nRUN test -e /c/kept && ! test -e /c/left && test "$(stat -c %a:%u /c/kept)" = 640:0\nENV STAGE=one\nFROM ${busybox}\nRUN false\n`;
    await writeFile(join(context, 'docker/File'), stages);
    const image = await ensure(engine, build({ dockerfile: 'docker/File', target: 'one' }), listen());
    expect(image.env.STAGE).toBe('one');
  });

  test('a step that fails is an error with the last lines, without the values of arguments', async () => {
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM ${busybox}\nARG TOKEN\nRUN echo first; echo "no $TOKEN here"; exit 7\n`,
    );
    const { events, ...options } = listen();
    const failed = await ensureImage(engine, build({ args: { TOKEN: 'hunter22' } }), options).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringMatching(
        /^no image can be built from .*7[\s\S]*; its last lines:\n[\s\S]*\n {2}first\n {2}no \*\*\* here/,
      ),
      hint: expect.any(String),
    });
    expect(JSON.stringify([events, String(failed)])).not.toContain('hunter22');
  });

  test('a base image that is not to be had and a broken Dockerfile are errors', async () => {
    await writeFile(join(context, 'Dockerfile'), 'FROM 127.0.0.1:1/none:1\n');
    await expect(ensureImage(engine, build(), listen())).rejects.toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringContaining('connection refused'),
    });
    await writeFile(join(context, 'Dockerfile'), 'FORM x\n');
    await expect(ensureImage(engine, build(), listen())).rejects.toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringContaining(`no image can be built from "${context}": `),
    });
  });

  test('a Dockerfile for BuildKit is built, told and described the same way', async () => {
    await writeFile(join(context, 'kept'), '');
    const dockerfile = (end: string) =>
      writeFile(
        join(context, 'Dockerfile'),
        `ARG BASE\nFROM ${busybox}\nARG TOKEN\nCOPY . /c/\nRUN --mount=type=cache,target=/cache touch /cache/a && test -e /c/kept && echo "said $TOKEN" && ${end}\nENV KIT=yes\n`,
      );
    await dockerfile('true');
    const { events, ...options } = listen();
    const args = { TOKEN: 'hunter22' };
    const image = await ensure(engine, build({ args }), options);
    expect(image).toMatchObject({ env: { PATH: '/bin', KIT: 'yes' }, architecture: engine.arch });
    expect(events).toContainEqual(
      expect.objectContaining({ layer: expect.stringMatching(/\d\/\d$/), status: 'said ***' }),
    );
    await dockerfile('exit 7');
    const failed = await ensureImage(engine, build({ args }), options).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: 'COMPANION_IMAGE_UNAVAILABLE',
      message: expect.stringMatching(/7[\s\S]*; its last lines:\n[\s\S]*said \*\*\*/),
    });
    expect(JSON.stringify([events, String(failed)])).not.toContain('hunter22');
  });

  test.skipIf(testEngine.privateRegistry === undefined)(
    'a base image in a registry with a password is had with the login for it, by either builder',
    async () => {
      const { host, user, password, reference } = testEngine.privateRegistry!;
      const auth = Buffer.from(`${user}:${password}`).toString('base64');
      const home = await mkdtemp(join(tmpdir(), 'companion-login-'));
      try {
        vi.stubEnv('DOCKER_CONFIG', home);
        await writeFile(join(home, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
        for (const step of ['RUN true', 'RUN --mount=type=cache,target=/cache true']) {
          await writeFile(join(context, 'Dockerfile'), `FROM ${reference}\n${step}\n`);
          await ensure(engine, build(), listen());
          await remove(engine, reference);
        }
      } finally {
        await rm(home, { recursive: true });
      }
    },
  );

  test.each(['RUN', 'RUN --mount=type=cache,target=/cache'])(
    'giving up ends a build in a %s',
    async (run) => {
      // Podman lets a step go on to its end, and says so; it must not be one that never ends.
      const seconds = engine.kind === 'podman' ? 3 : 1000;
      const mark = `${process.pid}${run.length}`;
      await writeFile(
        join(context, 'Dockerfile'),
        `FROM ${busybox}\n${run} echo begun; exec sleep ${seconds}.${mark}\nRUN exec sleep 1000.${mark}\n`,
      );
      const controller = new AbortController();
      const reason = new Error('enough');
      const { events, ...options } = listen(controller.signal);
      const rejected = expect(ensureImage(engine, build(), options)).rejects.toBe(reason);
      await expect
        .poll(() => events.some((event) => event.type === 'progress' && event.status === 'begun'), {
          timeout: 20_000,
        })
        .toBe(true);
      controller.abort(reason);
      await rejected;
      // In /proc, because BuildKit's and Podman's containers of steps are in no list.
      await expect.poll(() => programs('sleep', `.${mark}`), { timeout: 30_000 }).toEqual([]);
      const left = async () =>
        (await engine.docker.listContainers({ all: true })).filter(({ Command }) => Command.includes(mark));
      await expect.poll(left, { timeout: 20_000 }).toEqual([]);
      const { reference } = events.find((event) => event.type === 'pulling')!;
      const name = engine.kind === 'podman' ? `localhost/${reference}` : reference;
      const never = { reference: name, platform: undefined, pull: 'never' } as const;
      await expect(ensureImage(engine, never, listen())).rejects.toThrow('is not on the engine');
      expect(events.filter(({ type }) => type === 'notice')).toHaveLength(engine.kind === 'podman' ? 1 : 0);
    },
  );
});

/** Processes of this machine, those in its containers included, of that program with an argument like that. */
async function programs(program: string, argument: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith(`${program}\0`) && line.includes(argument));
}
