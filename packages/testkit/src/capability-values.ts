import type { Capabilities } from '@companion/core';

/** Every capability with the values that the contract knows. The kit's own copy: core must not mark its own work. */
export const CAPABILITY_VALUES: { readonly [K in keyof Capabilities]: readonly Capabilities[K][] } = {
  filesystem: ['shared', 'bound', 'copied'],
  network: ['shared', 'private'],
  processes: ['shared', 'private'],
  user: [true, false],
  signals: [true, false],
  killTree: [true, false],
  descendants: [true, false],
  tty: [true, false],
  limits: [true, false],
  networkNone: [true, false],
  ownerDeath: ['killed', 'survives'],
};

export const CAPABILITY_NAMES = Object.keys(CAPABILITY_VALUES) as readonly (keyof Capabilities)[];

/** Values of a capability other than the one given. */
export function otherValues(capabilities: Capabilities, name: keyof Capabilities): readonly unknown[] {
  const values: readonly unknown[] = CAPABILITY_VALUES[name];
  return values.filter((value) => value !== capabilities[name]);
}
