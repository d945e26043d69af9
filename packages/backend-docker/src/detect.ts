import type { Abortable, Detection, EnvironmentRequest } from '@companion/core/backend';
import { LIMITS_HINT } from './container/limits.js';
import { canBeCopied } from './container/protected-copies.js';
import type { Limit } from './engine/delegated-limits.js';
import { describeEngine } from './engine/describe-engine.js';
import { findEngine } from './engine/find-engine.js';
import type { EngineAnswer } from './engine/probe.js';
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
  const lacking = answer.unenforced.filter((limit) => limits?.[limit] !== undefined);
  if (lacking.length > 0) return notEnforced(answer, lacking);
  return {
    available: true,
    detail: await describeEngine(answer, process.env),
    lowered: {
      ...(answer.filesystemIsShared ? {} : { filesystem: 'copied' }),
      // Of what was asked for it can do all, or it would not be here.
      ...(limits === undefined && answer.unenforced.length > 0 ? { limits: false } : {}),
    },
  };
}

function notEnforced({ endpoint }: EngineAnswer, limits: readonly Limit[]): Detection {
  const names = limits.map((limit) => `limits.${limit}`).join(' and ');
  return {
    available: false,
    reason: `${endpoint.address} (${endpoint.origin}) cannot enforce ${names}`,
    hint: LIMITS_HINT,
  };
}
