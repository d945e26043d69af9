import type { EngineMessage } from './message-stream.js';

/** How far one layer is. */
export interface LayerState {
  readonly layer: string;
  readonly status: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
}

/** An engine reports every few milliseconds; an eye follows ten a second. */
const MIN_INTERVAL_MS = 100;

/**
 * Passes on what an engine says of layers, at most ten times a second for each, and a change of status at once, after
 * the last that was said in the old one. What is held back at the end is passed on by `flush()`.
 */
export class LayerProgress {
  readonly #report: (state: LayerState) => void;
  readonly #layers = new Map<string, { state: LayerState; reportedAt: number; isHeld: boolean }>();

  constructor(report: (state: LayerState) => void) {
    this.#report = report;
  }

  /** For whoever joins late: the latest of every layer. */
  get states(): readonly LayerState[] {
    return [...this.#layers.values()].map(({ state }) => state);
  }

  add(message: EngineMessage): void {
    const state = layerState(message);
    if (state === undefined) return;
    const known = this.#layers.get(state.layer);
    if (known?.isHeld && known.state.status !== state.status) this.#report(known.state);
    const now = performance.now();
    const isDue =
      known === undefined || known.state.status !== state.status || now - known.reportedAt >= MIN_INTERVAL_MS;
    this.#layers.set(state.layer, {
      state,
      reportedAt: isDue ? now : known.reportedAt,
      isHeld: !isDue,
    });
    if (isDue) this.#report(state);
  }

  flush(): void {
    for (const layer of this.#layers.values()) {
      if (!layer.isHeld) continue;
      layer.isHeld = false;
      this.#report(layer.state);
    }
  }
}

/** `undefined` for what is said of the image as a whole: "Pulling from" carries the tag as its id. */
function layerState({ id, status, progressDetail }: EngineMessage): LayerState | undefined {
  if (!id || !status || /^Pulling from /.test(status)) return undefined;
  const { current, total } = progressDetail ?? {};
  return {
    layer: id,
    status,
    ...(typeof current === 'number' && { bytes: current }),
    // Engines say 0 or -1 where they do not know.
    ...(typeof total === 'number' && total > 0 && { totalBytes: total }),
  };
}
