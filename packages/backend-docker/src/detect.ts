import type { Abortable, Detection, EnvironmentRequest } from '@companion/core/backend';
import { isMoreThanCopied } from './container/more-than-copied.js';
import { describeEngine } from './engine/describe-engine.js';
import { findEngine } from './engine/find-engine.js';
import { checkedOptions } from './options.js';

const NOT_COPIED = {
  available: false,
  reason: 'read-only and strict mounts need an engine on this machine: to another one files are copied',
  hint: 'Leave readOnly and strict out, or use an engine on this machine.',
} as const;

/** Whether a container engine answers, and what it is. */
export async function detectEngine(
  { mounts, backendOptions }: EnvironmentRequest,
  { signal }: Abortable,
): Promise<Detection> {
  const answer = await findEngine(checkedOptions(backendOptions), { signal });
  if (!answer.available) return answer;
  if (!answer.filesystemIsShared && mounts.some(isMoreThanCopied)) return NOT_COPIED;
  return {
    available: true,
    detail: await describeEngine(answer, process.env),
    lowered: answer.filesystemIsShared ? {} : { filesystem: 'copied' },
  };
}
