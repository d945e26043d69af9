import { decodeMessages, encodeMessage } from './message-framing.js';

/** JSON-RPC's code for a request that the other side does not know. */
const METHOD_NOT_FOUND = -32601;
const STDERR_LINES = 10;

/**
 * Speaks the Language Server Protocol with a process over its standard input and output. Knows nothing of where the
 * process runs: whoever calls it gives and gets companion paths.
 */
export class LanguageClient {
  /** Resolves with the server's verdict, rejects where there is none. */
  ended;
  #process;
  #lastId = 0;
  /** @type {Map<number, { resolve(result: any): void, reject(error: Error): void }>} */
  #requests = new Map();
  /** @type {Set<{ method: string, accepts(params: any): boolean, resolve(params: any): void, reject(error: Error): void }>} */
  #waiters = new Set();
  /** @type {string[]} */
  #stderr = [];
  /** @type {Error | undefined} Set once nothing more can come. */
  #over;

  /** @param {import('@companion/core').CompanionProcess} process Just spawned: its output is read from here on. */
  constructor(process) {
    this.#process = process;
    const reading = Promise.all([
      this.#readMessages(process.stdout),
      this.#readErrors(process.lines({ stream: 'stderr' })),
    ]);
    this.ended = this.#awaitEnd(reading);
    // Requests tell it to whoever waits; nobody else has to listen.
    this.ended.catch(() => {});
  }

  /**
   * Resolves with the server's result; rejects with its error, or when the server ends without an answer.
   *
   * @param {string} method
   * @param {unknown} [params]
   * @returns {Promise<any>}
   */
  request(method, params) {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) throw this.#over;
      this.#lastId += 1;
      this.#requests.set(this.#lastId, { resolve, reject });
      this.#send({ id: this.#lastId, method, params });
    });
  }

  /**
   * @param {string} method
   * @param {unknown} [params]
   */
  notify(method, params) {
    this.#send({ method, params });
  }

  /**
   * Resolves with the parameters of the first notification from now on that `accepts`. Call it before whatever makes
   * the server send one. Rejects when the server ends before.
   *
   * @param {string} method
   * @param {(params: any) => boolean} accepts
   * @returns {Promise<any>}
   */
  nextNotification(method, accepts) {
    const arrived = new Promise((resolve, reject) => {
      if (this.#over !== undefined) throw this.#over;
      this.#waiters.add({ method, accepts, resolve, reject });
    });
    // Mostly awaited after a request, which the server's end rejects first: then nobody comes to hear it here.
    arrived.catch(() => {});
    return arrived;
  }

  /** Ends the server as the protocol wants it; resolves with its verdict: code 0 where all went well. */
  async shutdown() {
    await this.request('shutdown');
    this.notify('exit');
    this.#process.stdin.end();
    return await this.ended;
  }

  /** @param {object} message */
  #send(message) {
    this.#process.stdin.write(encodeMessage({ jsonrpc: '2.0', ...message }));
  }

  /** @param {import('node:stream').Readable} stdout */
  async #readMessages(stdout) {
    for await (const message of decodeMessages(stdout)) {
      if (message.method === undefined) this.#settle(message);
      else if (message.id === undefined) this.#deliver(message);
      else this.#refuse(message);
    }
  }

  /** @param {{ id: number, result?: unknown, error?: { message: string } }} response */
  #settle({ id, result, error }) {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (error === undefined) request?.resolve(result);
    else request?.reject(new Error(`the language server says: ${error.message}`));
  }

  /**
   * What a server asks of its client (configuration, progress) has to be answered, or it may wait forever.
   *
   * @param {{ id: unknown, method: string }} request
   */
  #refuse({ id, method }) {
    this.#send({ id, error: { code: METHOD_NOT_FOUND, message: `no ${method} here` } });
  }

  /** @param {{ method: string, params: unknown }} notification */
  #deliver({ method, params }) {
    for (const waiter of this.#waiters) {
      if (waiter.method !== method || !waiter.accepts(params)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(params);
    }
  }

  /** @param {AsyncIterable<string>} lines */
  async #readErrors(lines) {
    for await (const line of lines) {
      this.#stderr.push(line);
      if (this.#stderr.length > STDERR_LINES) this.#stderr.shift();
    }
  }

  /** @param {Promise<unknown>} reading */
  async #awaitEnd(reading) {
    try {
      // A server that cannot be understood does not have to end: whichever comes first.
      const status = await Promise.race([this.#process.wait(), reading.then(() => this.#process.wait())]);
      // A descendant that is left behind may hold the output open: once it is gone, all that was said can be read.
      await this.#process.stop();
      await reading;
      this.#close(new Error(`the language server has ended with ${status.signal ?? `code ${status.code}`}`));
      return status;
    } catch (error) {
      this.#close(/** @type {Error} */ (error));
      throw error;
    }
  }

  /** @param {Error} cause */
  #close(cause) {
    this.#over = new Error([cause.message, ...this.#stderr].join('\n  '), { cause });
    for (const waiting of [...this.#requests.values(), ...this.#waiters]) waiting.reject(this.#over);
  }
}
