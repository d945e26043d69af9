import { createHash } from 'node:crypto';
import type { CompanionError } from '@companion/core';
import type { ImageRequest } from '@companion/core/backend';
import { type BuildContext, openContext, packContext } from './build-context.js';
import { BuildKitTrace } from './build-kit-trace.js';
import { BuildOutput } from './build-output.js';
import { readDockerfile } from './dockerfile.js';
import { askEngine, type ImageEngine, streamFromEngine, wordsOf } from './engine-call.js';
import { type EnsureImageOptions, ensureReference } from './ensure-reference.js';
import { type Image, inspectImage } from './image.js';
import { imageUnavailable, oneLine } from './image-failure.js';
import { LayerProgress, type LayerState } from './layer-progress.js';
import { readMessages } from './message-stream.js';
import { findLogin, type RegistryAuth, registriesWithLogin } from './registry-credentials.js';

interface BuildListener {
  readonly report: (state: LayerState) => void;
  readonly notice: (message: string) => void;
}

/** https://github.com/containers/buildah/issues/6786 */
const PODMAN_GOES_ON =
  'The build was given up. Podman lets the step that was running go on to its end, and begins no other.';

type Build = Extract<ImageRequest, { readonly build: unknown }>['build'];

/** On every image that is built here, with the hash of its tag: what finds those that a newer one has replaced. */
const LABEL = 'dev.companion.build';

/**
 * Has the engine build an image: with its classic builder, or with BuildKit where the Dockerfile needs that. BuildKit
 * would have its client log in to registries, in a session that this is not, so the images that the Dockerfile names are
 * pulled before; secrets and ssh agents of a client there are none. Podman's one builder knows both kinds.
 *
 * The result is tagged `companion-build:<hash>`, one tag for a context, Dockerfile, target and set of argument names
 * (not values: a hash of a secret would give it away to whoever can guess). A tag keeps the result, and with it the
 * cache, from `image prune`. When a build moves the tag, earlier results under it that are older than an hour and not in
 * use are removed; younger ones stay, for a companion that is about to start from one. Layers of steps that were
 * replaced or failed are the engine's cache, as after `docker build`. Build arguments are not secret from whoever can
 * inspect the image: its history has them.
 */
export async function buildImage(
  engine: ImageEngine,
  build: Build,
  { emit, signal }: EnsureImageOptions,
): Promise<Image> {
  const context = await openContext(build.context, build.dockerfile);
  const hash = hashOf(context, build);
  const tag = `companion-build:${hash}`;
  // Podman calls what is made on the engine so, and would look for the bare name on Docker Hub.
  const reference = engine.kind === 'podman' ? `localhost/${tag}` : tag;
  const begun = performance.now();
  emit({ topic: 'image', type: 'pulling', reference: tag });
  const tell: BuildListener = {
    report: (state) => emit({ topic: 'image', type: 'progress', reference: tag, ...state }),
    notice: (message) => emit({ topic: 'environment', type: 'notice', message }),
  };
  const asked = { reference: tag, platform: undefined, signal };
  const before = await inspectImage(engine, reference, asked);
  const { needsBuildKit, images } = readDockerfile(context.dockerfileText, build);
  const withBuildKit = needsBuildKit && engine.kind === 'docker';
  if (withBuildKit) {
    for (const image of images)
      await ensureReference(engine, { pull: 'missing', ...image }, { emit, signal });
  }
  const id = await runBuild(engine, { build, context, reference, hash, withBuildKit }, tell, signal);
  const image = await inspectImage(engine, id ?? reference, asked);
  if (image === undefined) {
    throw imageUnavailable(
      `the image built from "${build.context}" is not there although its build ended without an error`,
      'Try again: a build that is cut off on the way can look like this.',
    );
  }
  if (before !== undefined && before.id !== image.id) await removeReplaced(engine, hash, signal);
  emit({ topic: 'image', type: 'pulled', reference: tag, durationMs: performance.now() - begun });
  return image;
}

function hashOf({ directory, dockerfile }: BuildContext, { target, args }: Build): string {
  const identity = JSON.stringify([directory, dockerfile, target ?? null, Object.keys(args).sort()]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

/** The id of the result, where the engine says it. */
async function runBuild(
  engine: ImageEngine,
  {
    build,
    context,
    reference,
    hash,
    withBuildKit,
  }: {
    readonly build: Build;
    readonly context: BuildContext;
    readonly reference: string;
    readonly hash: string;
    readonly withBuildKit: boolean;
  },
  { report, notice }: BuildListener,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const output = new BuildOutput(report, build.args);
  const trace = new BuildKitTrace(output);
  const layers = new LayerProgress(report);
  const logins = await loginsFor(engine, context, build, signal);
  const file = await packContext(context);
  let id: string | undefined;
  try {
    const stream = await streamFromEngine(
      engine,
      {
        method: 'POST',
        path: '/build?',
        options: {
          t: reference,
          dockerfile: context.dockerfile,
          ...(build.target !== undefined && { target: build.target }),
          buildargs: build.args,
          labels: { [LABEL]: hash },
          // The containers of its steps go, also those of a step that failed.
          rm: true,
          forcerm: true,
          ...(withBuildKit && { version: '2' }),
        },
        registryconfig: logins,
        file,
      },
      signal,
    );
    for await (const message of readMessages(stream, signal)) {
      if (message.stream !== undefined) output.add(message.stream);
      layers.add(message);
      if (typeof message.aux === 'string') trace.add(message.aux);
      else id = message.aux?.ID ?? id;
    }
    return id;
  } catch (error) {
    if (signal?.aborted) {
      if (engine.kind === 'podman') notice(PODMAN_GOES_ON);
      throw signal.reason;
    }
    output.end();
    throw buildFailure(error, build.context, output);
  } finally {
    output.end();
    layers.flush();
    file.destroy();
  }
}

/** Logins for the registries that the Dockerfile names, and for Docker Hub, which it need not name. */
async function loginsFor(
  { kind }: ImageEngine,
  { dockerfileText }: BuildContext,
  { args }: Build,
  signal: AbortSignal | undefined,
): Promise<{ readonly base64: string } | undefined> {
  const text = [dockerfileText, ...Object.values(args)].join('\n');
  const logins: Record<string, RegistryAuth> = {};
  for (const registry of await registriesWithLogin(kind, process.env)) {
    if (registry !== 'docker.io' && !text.includes(registry)) continue;
    const { auth } = await findLogin({ registry, path: '' }, { kind, env: process.env, signal });
    if (auth !== undefined) logins[auth.serveraddress] = auth;
  }
  if (Object.keys(logins).length === 0) return undefined;
  // docker-modem would encode this header with + and /, which the engine cannot read, and would say nothing.
  const base64 = Buffer.from(JSON.stringify(logins)).toString('base64');
  return { base64: base64.replaceAll('+', '-').replaceAll('/', '_') };
}

function buildFailure(error: unknown, context: string, output: BuildOutput): CompanionError {
  const words = oneLine(wordsOf(error), output.secrets);
  const last = output.lastLines.length === 0 ? '' : ['; its last lines:', ...output.lastLines].join('\n  ');
  return imageUnavailable(`no image can be built from "${context}": ${words}${last}`, hintFor(words));
}

function hintFor(words: string): string {
  if (/no active session|BuildKit/i.test(words)) {
    return 'This build needs something of a client that only docker\'s own command gives: run `docker build -t NAME` and pass image: "NAME".';
  }
  if (/no space left on device|disk quota exceeded/i.test(words)) {
    return "The engine's disk is full: `docker system prune` removes what nothing uses.";
  }
  return 'Mend the step that failed; `docker build` shows the whole of its output.';
}

/** Housekeeping: what cannot be removed now is found again by the next build that moves the tag. */
async function removeReplaced(
  engine: ImageEngine,
  hash: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const filters = { dangling: ['true'], label: [`${LABEL}=${hash}`], until: ['1h'] };
  try {
    await askEngine(engine, { method: 'POST', path: '/images/prune?', options: { filters } }, signal);
  } catch {
    signal?.throwIfAborted();
  }
}
