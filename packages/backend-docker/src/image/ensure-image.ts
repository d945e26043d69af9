import type { ImageRequest } from '@companion/core/backend';
import { buildImage } from './build.js';
import type { ImageEngine } from './engine-call.js';
import { type EnsureImageOptions, ensureReference } from './ensure-reference.js';
import type { Image } from './image.js';
import { notLinux } from './image-failure.js';
import { emulationHint, platformText } from './platform.js';

/**
 * Present, pulled or built. Rejects with `IMAGE_UNAVAILABLE`, with `UNSUPPORTED` for an image of Windows, with
 * `TypeError` for what is no reference, platform or path, and with the signal's reason.
 */
export async function ensureImage(
  engine: ImageEngine,
  wanted: ImageRequest,
  options: EnsureImageOptions,
): Promise<Image> {
  options.signal?.throwIfAborted();
  const image =
    'build' in wanted
      ? await buildImage(engine, wanted.build, options)
      : await ensureReference(engine, wanted, options);
  if (image.os !== 'linux') throw notLinux(image.reference, image.os);
  const hint = emulationHint(engine.arch, image);
  if (hint !== undefined) {
    const message = `image "${image.reference}" is for ${platformText(image)}. ${hint}`;
    options.emit({ topic: 'environment', type: 'notice', message });
  }
  return image;
}
