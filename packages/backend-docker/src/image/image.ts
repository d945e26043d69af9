import { CompanionError } from '@companion/core';
import { askEngine, type EngineFailure, type ImageEngine, wordsOf } from './engine-call.js';
import { oneLine } from './image-failure.js';
import { imageArchitecture, type Platform, platformText } from './platform.js';

/** An image that is present on the engine, and what it says of itself. */
export interface Image {
  /** What containers are to be made of: a name may come to mean another image. */
  readonly id: string;
  /** As the user wrote it; the tag for one that was built. */
  readonly reference: string;
  readonly os: string;
  /** In the names of images: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly variant: string | undefined;
  /** As asked for; containers must be asked for it too, or an engine that has several takes its own. */
  readonly platform: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** `name`, `uid`, `name:group`, or empty for root. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** `/` where the image says nothing. */
  readonly workDir: string;
}

/** What `/images/{name}/json` says; Podman leaves out more than Docker. */
interface ImageInspection {
  readonly Id: string;
  readonly Os?: string;
  readonly Architecture?: string;
  readonly Variant?: string;
  readonly Config?: {
    readonly Env?: readonly string[] | null;
    readonly User?: string;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly WorkingDir?: string;
  } | null;
}

/**
 * The image of that name on the engine, or `undefined`. `platform` matters to engines that keep one name for several
 * (Docker with containerd's store); others ignore it, so the answer is still to be checked.
 */
export async function inspectImage(
  engine: ImageEngine,
  name: string,
  options: {
    readonly reference: string;
    readonly platform: Platform | undefined;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Image | undefined> {
  const { reference, platform, signal } = options;
  // A user's text in the path of a request: only the slashes of a name are meant.
  const path = name.split('/').map(encodeURIComponent).join('/');
  try {
    const found = await askEngine<ImageInspection>(
      engine,
      {
        method: 'GET',
        path: `/images/${path}/json?`,
        ...(platform !== undefined && { options: { platform: JSON.stringify(platform) } }),
      },
      signal,
    );
    return describe(found, reference, platform);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if ((error as EngineFailure).statusCode === 404) return undefined;
    throw new CompanionError(
      'COMPANION_IMAGE_UNAVAILABLE',
      `the engine at ${engine.endpoint.address} did not say whether it has image "${reference}": ${oneLine(wordsOf(error))}`,
      { cause: error, hint: 'Check that the engine is running; `companion doctor` says what it answers.' },
    );
  }
}

function describe(found: ImageInspection, reference: string, platform: Platform | undefined): Image {
  const config = found.Config ?? {};
  return {
    id: found.Id,
    reference,
    os: found.Os || 'linux',
    architecture: imageArchitecture(found.Architecture ?? ''),
    variant: found.Variant || undefined,
    platform: platform && platformText(platform),
    env: variablesOf(config.Env ?? []),
    user: config.User ?? '',
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    workDir: config.WorkingDir || '/',
  };
}

function variablesOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
