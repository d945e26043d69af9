import type { CaseContext } from './case.js';

/** How long starting and removing a companion takes here and now: what moments during a start are measured by. */
export async function usualStartMs({ start }: Pick<CaseContext, 'start'>): Promise<number> {
  const startedAt = performance.now();
  await (await start()).shutdown();
  return performance.now() - startedAt;
}
