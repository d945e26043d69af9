import type { Abortable, Detection, EnvironmentRequest } from '@companion/core/backend';
import { canBeCopied } from './container/protected-copies.js';
import { describeEngine } from './engine/describe-engine.js';
import { findEngine } from './engine/find-engine.js';
import { checkedOptions } from './options.js';

const NOT_COPIED = {
  available: false,
  reason: 'a single read-only file needs an engine on this machine: to another one files are copied',
  hint: 'Mount its directory, leave readOnly out, or use an engine on this machine.',
} as const;

/** Whether a container engine answers, and what it is. */
export async function detectEngine(
  { mounts, limits, backendOptions }: EnvironmentRequest,
  { signal }: Abortable,
): Promise<Detection> {
  const answer = await findEngine(checkedOptions(backendOptions), { signal });
  if (!answer.available) return answer;
  if (!answer.filesystemIsShared) {
    const copied = await Promise.all(mounts.map(canBeCopied));
    if (copied.includes(false)) return NOT_COPIED;
  }
  // Who asks for none is told whether it can enforce all.
  const lacksLimit = answer.unenforced.some((limit) => limits === undefined || limits[limit] !== undefined);
  return {
    available: true,
    detail: await describeEngine(answer, process.env),
    lowered: {
      ...(answer.filesystemIsShared ? {} : { filesystem: 'copied' }),
      ...(lacksLimit ? { limits: false } : {}),
    },
  };
}
