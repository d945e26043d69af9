import { CompanionError } from '@companion/core';
import { expect, test } from 'vitest';
import {
  emulationHint,
  isPlatform,
  parsePlatform,
  platformText,
  supervisorArchitecture,
} from '../../src/image/platform.js';

test.each([
  ['linux/arm64', 'linux/arm64'],
  ['arm64', 'linux/arm64'],
  ['linux/x86_64', 'linux/amd64'],
  ['Linux/AArch64', 'linux/arm64'],
  ['linux/arm/v7', 'linux/arm/v7'],
  ['linux/armhf', 'linux/arm/v7'],
  ['windows/amd64', 'windows/amd64'],
])('%s is %s', (written, text) => {
  expect(platformText(parsePlatform(written))).toBe(text);
});

test.each(['', 'linux/', '/arm64', 'a/b/c/d', 'linux/arm 64'])('%j is refused', (written) => {
  expect(() => parsePlatform(written)).toThrow(/image\.platform: expected os\/architecture/);
});

test('an image that leaves out its only variant is of that variant', () => {
  const arm64 = { os: 'linux', architecture: 'arm64', variant: undefined };
  expect(isPlatform(arm64, parsePlatform('linux/arm64/v8'))).toBe(true);
  expect(isPlatform({ ...arm64, variant: 'v8' }, parsePlatform('linux/arm64'))).toBe(true);
  expect(isPlatform(arm64, parsePlatform('linux/amd64'))).toBe(false);
  const arm = { os: 'linux', architecture: 'arm', variant: 'v6' };
  expect(isPlatform(arm, parsePlatform('linux/arm'))).toBe(true);
  expect(isPlatform(arm, parsePlatform('linux/arm/v7'))).toBe(false);
});

test('emulation is spoken of only where the processor needs it', () => {
  const image = (text: string) => parsePlatform(text);
  expect(emulationHint('x86_64', image('linux/amd64'))).toBeUndefined();
  expect(emulationHint('amd64', image('linux/386'))).toBeUndefined();
  expect(emulationHint('amd64', image('linux/arm64'))).toMatch(/amd64.*arm64.*binfmt/);
  expect(emulationHint('aarch64', image('linux/amd64'))).toMatch(/arm64.*amd64/);
});

test('an image without a supervisor for its architecture is a clear error', () => {
  const image = { reference: 'a:1', os: 'linux' };
  expect(supervisorArchitecture({ ...image, architecture: 'amd64' })).toBe('x64');
  expect(supervisorArchitecture({ ...image, architecture: 'arm64' })).toBe('arm64');
  try {
    supervisorArchitecture({ ...image, architecture: 's390x' });
    expect.unreachable();
  } catch (error) {
    expect(CompanionError.is(error, 'COMPANION_UNSUPPORTED')).toBe(true);
    expect((error as CompanionError).message).toContain('linux/s390x');
    expect((error as CompanionError).hint).toContain('image.platform');
  }
});
