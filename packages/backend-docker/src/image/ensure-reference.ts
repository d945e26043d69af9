import type { CompanionError } from '@companion/core';
import type { CompanionEvent, ImageRequest } from '@companion/core/backend';
import type { ImageEngine } from './engine-call.js';
import { type Image, inspectImage } from './image.js';
import { imageUnavailable, notLinux } from './image-failure.js';
import { isPlatform, type Platform, parsePlatform, platformText } from './platform.js';
import { pullImage } from './pull.js';
import { type ImageReference, isImageId, parseReference } from './reference.js';

export interface EnsureImageOptions {
  readonly emit: (event: CompanionEvent) => void;
  readonly signal: AbortSignal | undefined;
}

type WantedReference = Extract<ImageRequest, { readonly reference: string }>;

/** Present, or pulled as the request's policy has it. Rejects as `ensureImage` does. */
export async function ensureReference(
  engine: ImageEngine,
  wanted: WantedReference,
  options: EnsureImageOptions,
): Promise<Image> {
  const platform = wanted.platform === undefined ? undefined : parsePlatform(wanted.platform);
  if (platform !== undefined && platform.os !== 'linux') throw notLinux(wanted.reference, platform.os);
  const asked = { reference: wanted.reference, platform, signal: options.signal };
  if (isImageId(wanted.reference)) {
    const image = await inspectImage(engine, wanted.reference, asked);
    if (image === undefined)
      throw absent(wanted.reference, 'An id names only what is present: use a reference.');
    return checkPlatform(image, platform);
  }
  const reference = parseReference(wanted.reference);
  if (wanted.pull !== 'always') {
    const present = await inspectPresent(engine, reference, asked);
    if (present !== undefined && (platform === undefined || isPlatform(present, platform))) return present;
    if (wanted.pull === 'never') {
      if (present !== undefined) return checkPlatform(present, platform);
      throw absent(wanted.reference, "Pull it before, or leave out image.pull: 'never' forbids it.");
    }
  }
  return pull(engine, reference, asked, options);
}

interface Asked {
  readonly reference: string;
  readonly platform: Platform | undefined;
  readonly signal: AbortSignal | undefined;
}

/** As for docker, a short name may also be the beginning of an id. */
async function inspectPresent(
  engine: ImageEngine,
  reference: ImageReference,
  asked: Asked,
): Promise<Image | undefined> {
  const named = await inspectImage(engine, reference.full, asked);
  if (named !== undefined || !/^[0-9a-f]{12,63}$/.test(reference.written)) return named;
  return inspectImage(engine, reference.written, asked);
}

async function pull(
  engine: ImageEngine,
  reference: ImageReference,
  asked: Asked,
  { emit, signal }: EnsureImageOptions,
): Promise<Image> {
  const written = asked.reference;
  const begun = performance.now();
  emit({ topic: 'image', type: 'pulling', reference: written });
  await pullImage(
    engine,
    { reference, platform: asked.platform },
    {
      signal,
      onProgress: (state) => emit({ topic: 'image', type: 'progress', reference: written, ...state }),
    },
  );
  const image = await inspectImage(engine, reference.full, asked);
  if (image === undefined) {
    throw imageUnavailable(
      `image "${written}" is not there although the engine ended its pull without an error`,
      'Try again: a pull that is cut off on the way can look like this.',
    );
  }
  // Engines take an image that exists for one platform only, whatever was asked.
  checkPlatform(image, asked.platform);
  emit({ topic: 'image', type: 'pulled', reference: written, durationMs: performance.now() - begun });
  return image;
}

function checkPlatform(image: Image, wanted: Platform | undefined): Image {
  if (wanted === undefined || isPlatform(image, wanted)) return image;
  throw imageUnavailable(
    `image "${image.reference}" is for ${platformText(image)}, not for ${platformText(wanted)}`,
    'Set image.platform to what the image is for, or use an image for the platform that you want.',
  );
}

function absent(reference: string, hint: string): CompanionError {
  return imageUnavailable(`image "${reference}" is not on the engine`, hint);
}
