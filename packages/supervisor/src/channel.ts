import type { ExitReport } from './frame-decoder.js';

/** What the frames about one id are handed to. Forgotten after `onFailed` and `onGone`. */
export interface Channel {
  onStarted(pid: number): void;
  onFailed(phase: number, detail: number, errno: number): void;
  onOutput(stream: number, piece: Buffer): void;
  onOutputEnd(stream: number): void;
  onExit(report: ExitReport): void;
  onCredit(bytes: number): void;
  onGone(errno: number): void;
  /** The supervisor will say nothing any more. */
  lose(error: Error): void;
}
