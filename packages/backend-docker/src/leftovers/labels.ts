import type { EnvironmentRequest } from '@companion/core/backend';
import { type Owner, ownerText, parseOwner, thisOwner } from './owner.js';

/** Of every container that is a companion's: its name. */
export const NAME_LABEL = 'dev.companion.name';
const OWNER_LABEL = 'dev.companion.owner';
/** Of one that outlives its owner: what it was made of, as a digest. */
export const FINGERPRINT_LABEL = 'dev.companion.fingerprint';

/** Nothing of them is secret. */
export function labelsOf({ name, reuse }: EnvironmentRequest): Record<string, string> {
  return {
    [NAME_LABEL]: name,
    [OWNER_LABEL]: ownerText(thisOwner()),
    ...(reuse === false ? {} : { [FINGERPRINT_LABEL]: reuse.fingerprint }),
  };
}

export function ownerOf(labels: Readonly<Record<string, string>>): Owner | undefined {
  return parseOwner(labels[OWNER_LABEL]);
}
