import type { Mount } from '@companion/core/backend';

/** A copy is neither the caller's file nor protected. */
export function isMoreThanCopied({ readOnly, strict }: Mount): boolean {
  return readOnly || strict;
}
