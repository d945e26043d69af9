// What the demo prints, in plain text that fits a terminal; bold and dim only where there is one.
import { posix } from 'node:path';
import { styleText } from 'node:util';

const LABEL_WIDTH = 14;
const WIDEST = 100;

export class DemoReport {
  #output;
  #colours;
  #width;
  #failed = [];
  #done = 0;
  #readyMs = 0;
  #ended = [];
  #started = 0;
  #announced = false;
  #startedAt = performance.now();

  constructor(output) {
    this.#output = output;
    // hasColors() exists on terminals only, and knows NO_COLOR.
    this.#colours = output.hasColors?.() === true;
    this.#width = Math.min(output.columns ?? WIDEST, WIDEST);
  }

  /** Keeps what happens for the summary; says at once what may take long. */
  record(event) {
    if (event.type === 'pulling') this.#row('pulling', event.reference);
    if (event.type === 'notice') this.#row('notice', event.message);
    if (event.topic === 'environment' && event.type === 'started') this.#readyMs = event.durationMs;
    if (event.topic !== 'process') return;
    if (event.type === 'started') this.#started += 1;
    if (event.type === 'exited') this.#ended.push(event);
  }

  printSelection({ backend, selection }, image) {
    this.#line(this.#style('bold', 'Companion runs three tools on its own source'));
    this.#line();
    const { detail } = selection.candidates.find(({ verdict }) => verdict === 'chosen');
    this.#row('environment', [backend, detail].filter(Boolean).join(': '));
    this.#row('because', selection.reason);
    this.#row('image', selection.fellBack ? `${image}, not used here` : image);
    for (const { backend: name, verdict, reason = verdict, hint } of selection.candidates) {
      if (verdict === 'chosen') continue;
      // What decided against it stands above already.
      const news = [selection.reason.includes(reason) ? undefined : reason, hint].filter(Boolean);
      if (news.length > 0) this.#row(`not ${name}`, news.join('. '));
    }
  }

  printReady() {
    this.#row('ready in', seconds(this.#readyMs));
  }

  /** Who waits at a terminal sees for what. */
  announceJob(title) {
    if (!this.#output.isTTY) return;
    this.#output.write(`\n${title} …`);
    this.#announced = true;
  }

  printJob(title, rows, durationMs) {
    this.#done += 1;
    this.#heading(title, seconds(durationMs));
    for (const [label, text] of rows) this.#row(label, text);
  }

  printFailedJob(title, error, durationMs) {
    this.#failed.push(title);
    this.#heading(title, `FAILED after ${seconds(durationMs)}`);
    this.#error(error);
  }

  /** @returns exit code */
  printFailure(error) {
    this.#heading('Failed');
    this.#error(error);
    if (error.code?.startsWith('COMPANION_'))
      this.#row('on the host', 'COMPANION_BACKEND=local npm run demo');
    return 1;
  }

  printInterruption(signal) {
    this.#heading(`Interrupted by ${signal}`);
  }

  /** To be called after the end of the companion. @returns exit code */
  printSummary({ backend }) {
    this.#heading('What ran');
    for (const { file, pid, status, durationMs } of this.#ended) {
      const name = posix.basename(file.replaceAll('\\', '/'));
      const verdict = status === null ? 'lost' : (status.signal ?? `code ${status.code}`);
      const where = `in ${backend}, pid ${pid}`;
      this.#line(`  ${name.padEnd(30)}${where.padEnd(28)}${verdict.padEnd(12)}${seconds(durationMs)}`);
    }
    const failed = this.#failed.length;
    const jobs = failed + this.#done;
    const running = this.#started - this.#ended.length;
    const outcome =
      failed === 0
        ? `All ${jobs} jobs done`
        : `${failed} of ${jobs} jobs failed (${this.#failed.join(', ')})`;
    const left =
      running === 0 ? 'nothing is left running' : `${running} of ${this.#started} processes still run`;
    const took = seconds(performance.now() - this.#startedAt);
    this.#line();
    this.#line(this.#style('bold', `${outcome} in ${took}, in ${backend}; ${left}.`));
    return failed === 0 && running === 0 ? 0 : 1;
  }

  #error(error) {
    for (let cause = error; cause !== undefined && cause !== null; cause = cause.cause) {
      this.#row(cause === error ? 'error' : 'cause', cause.message ?? String(cause));
      if (cause.hint !== undefined) this.#row('hint', cause.hint);
    }
  }

  #heading(title, aside = '') {
    this.#line();
    const gap = ' '.repeat(Math.max(2, this.#width - title.length - aside.length));
    this.#line(`${this.#style('bold', title)}${aside === '' ? '' : gap}${aside}`);
  }

  #row(label, text) {
    const lines = text.split('\n').flatMap((line) => wrap(line, this.#width - LABEL_WIDTH));
    for (const [index, line] of lines.entries()) {
      this.#line(`  ${this.#style('dim', (index === 0 ? label : '').padEnd(LABEL_WIDTH - 2))}${line}`);
    }
  }

  #line(text = '') {
    if (this.#announced) {
      // It stands below an empty line, and what comes now takes its place.
      this.#announced = false;
      this.#output.write('\r\x1b[K');
      if (text === '') return;
    }
    this.#output.write(`${text.trimEnd()}\n`);
  }

  #style(format, text) {
    return this.#colours && text.trim() !== '' ? styleText(format, text) : text;
  }
}

function seconds(ms) {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Breaks at spaces; what is longer than a line stays whole, and so do texts that need no break. */
function wrap(text, width) {
  if (text.length <= width) return [text];
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
