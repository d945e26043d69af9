import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Windows has no signals: a tree can only be terminated, by taskkill(1) along the parents that still live. Written
 * from its documentation; not verified on a machine of ours.
 */
export async function endTree(pid: number, ended: boolean): Promise<void> {
  if (ended) return;
  try {
    await run('taskkill', ['/PID', String(pid), '/T', '/F'], { windowsHide: true });
  } catch (error) {
    // 128: the process has ended meanwhile.
    if ((error as { readonly code?: unknown }).code !== 128) throw error;
  }
}
