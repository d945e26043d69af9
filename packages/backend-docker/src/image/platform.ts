import { CompanionError } from '@companion/core';

/** What an image is made for, in the names of the Open Container Initiative: `linux`, `arm64`, `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `undefined`: any. */
  readonly variant: string | undefined;
}

/** The names that kernels and users give, and what images call them. */
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  i386: ['386'],
  i686: ['386'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armv7l: ['arm', 'v7'],
  armel: ['arm', 'v6'],
};

/** The architecture's name in images: `x86_64` is `amd64`. */
export function imageArchitecture(name: string): string {
  return ARCHITECTURES[name.toLowerCase()]?.[0] ?? name.toLowerCase();
}

/** Reads `linux/arm64`, `linux/arm/v7` or `arm64`. Throws `TypeError`. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [os, name, variant] = parts.length === 1 ? ['linux', ...parts] : parts;
  if (
    parts.length > 3 ||
    parts.some((part) => !/^[\w.-]+$/.test(part)) ||
    os === undefined ||
    name === undefined
  ) {
    throw new TypeError(
      `image.platform: expected os/architecture like "linux/arm64", got ${JSON.stringify(text)}`,
    );
  }
  const [architecture, impliedVariant] = ARCHITECTURES[name] ?? [name];
  return { os, architecture, variant: variant ?? impliedVariant };
}

/** `linux/arm/v7`. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== '').join('/');
}

/** What an engine is asked for: empty for its own platform. */
export function askedPlatform(platform: Platform | undefined): string {
  return platform === undefined ? '' : platformText(platform);
}

/** Whether an image can stand for what was asked. */
export function isPlatform(image: Platform, wanted: Platform): boolean {
  if (image.os !== wanted.os || image.architecture !== wanted.architecture) return false;
  if (wanted.variant === undefined) return true;
  // Many images do not name the variant of an architecture that has only one.
  const variantOf = (platform: Platform) =>
    platform.variant ||
    (platform.architecture === 'arm64' ? 'v8' : platform.architecture === 'arm' ? 'v7' : '');
  return variantOf(image) === variantOf(wanted);
}

/**
 * The sentence for an image that the engine's processor cannot run by itself, else `undefined`. 64-bit processors run
 * their own 32-bit programs.
 */
export function emulationHint(engineArchitecture: string, image: Platform): string | undefined {
  const own = imageArchitecture(engineArchitecture);
  const runs: Readonly<Record<string, readonly string[]>> = {
    amd64: ['amd64', '386'],
    arm64: ['arm64', 'arm'],
  };
  if ((runs[own] ?? [own]).includes(image.architecture)) return undefined;
  return (
    `The engine's machine is ${own}: it can run ${image.architecture} programs only through QEMU registered with ` +
    'binfmt_misc (Docker Desktop has it; elsewhere install qemu-user-static), and slowly.'
  );
}

/** Which supervisor program runs in the image. Throws `COMPANION_UNSUPPORTED` where there is none for it. */
export function supervisorArchitecture(image: {
  readonly reference: string;
  readonly os: string;
  readonly architecture: string;
}): 'x64' | 'arm64' {
  if (image.architecture === 'amd64') return 'x64';
  if (image.architecture === 'arm64') return 'arm64';
  throw new CompanionError(
    'COMPANION_UNSUPPORTED',
    `image "${image.reference}" is for ${image.os}/${image.architecture}, and Companion's supervisor exists for amd64 and arm64`,
    { hint: 'Use an image for linux/amd64 or linux/arm64; the option image.platform asks for one.' },
  );
}
