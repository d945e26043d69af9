import type { Duplex } from 'node:stream';
import type { Abortable } from '@companion/core/backend';
import { Connection } from './connection.js';
import { type Greeting, readGreeting } from './greeting.js';
import { errnoName } from './linux-numbers.js';
import { moveToSocket, type SharedDirectory } from './move-to-socket.js';
import { OUTPUT_WINDOW } from './output-flow.js';
import {
  type Account,
  type AccountRequest,
  findAccount,
  resolveProgram,
  type Whereabouts,
} from './own-programs.js';
import { ProtocolError } from './protocol.js';
import { type Reply, Session } from './session.js';
import { type SupervisedCommand, spawnPayload } from './spawn-frame.js';
import { type SupervisorStream, streamPair } from './stream-pair.js';
import { ProcessChannel, type SupervisedProcess } from './supervised-process.js';

/** A supervisor ends everything when it has heard nothing for 60 s. */
const PING_MS = 15_000;
const UNANSWERED_PINGS = 4;

/**
 * Greets the supervisor at the other end of a stream, which then belongs to the connection: it is destroyed when this
 * rejects. Rejects when the other end is no supervisor, says nothing before it ends, or speaks another version of the
 * protocol; with the reason of `signal` when that aborts.
 */
export async function connectSupervisor(
  stream: SupervisorStream,
  { signal }: Abortable = {},
): Promise<Supervisor> {
  const pair = streamPair(stream);
  // Nobody else listens before the greeting, nor after a failed one.
  const ignore = (): void => {};
  pair.writable.on('error', ignore);
  pair.readable.on('error', ignore);
  try {
    const greeting = await readGreeting(pair.readable, signal);
    return new Supervisor(new Session(pair), greeting);
  } catch (error) {
    pair.readable.destroy();
    pair.writable.destroy();
    throw error;
  }
}

/** A connection to a supervisor. Everything that it started ends when the connection does. */
export class Supervisor {
  /** As seen inside. */
  readonly pid: number;
  /** It can start processes as another user than its own. */
  readonly canSwitchUsers: boolean;
  /** It becomes the parent of processes that lose theirs: none escapes it. */
  readonly reapsOrphans: boolean;
  /**
   * Resolves with the reason when the stream dies by itself: by then every process's `exited` has rejected and its streams
   * are destroyed. Stays pending otherwise.
   */
  readonly lost: Promise<Error>;
  readonly #session: Session;
  #pings: NodeJS.Timeout | undefined;

  /** @internal {@link connectSupervisor} makes them. */
  constructor(session: Session, greeting: Greeting) {
    this.#session = session;
    this.pid = greeting.pid;
    this.canSwitchUsers = greeting.canSwitchUsers;
    this.reapsOrphans = greeting.reapsOrphans;
    this.lost = session.lost;
    void this.lost.then(() => clearInterval(this.#pings));
  }

  /**
   * Rejects with a `SpawnFailure` when nothing could be started, with the reason of `signal` when that aborts, once
   * nothing of the process is left.
   */
  async spawn(command: SupervisedCommand, { signal }: Abortable = {}): Promise<SupervisedProcess> {
    signal?.throwIfAborted();
    this.#session.assertOpen();
    const payload = spawnPayload(command);
    const process = this.#session.open((id) => {
      const { writer } = this.#session;
      writer.spawn(id, payload);
      // Without a terminal the supervisor sees to it.
      if (command.tty !== undefined && command.stdin === 'ignore') writer.stdinEnd(id);
      return new ProcessChannel(this.#session, id, command);
    });
    const started = await process.started;
    if (signal?.aborted) await process.discard();
    signal?.throwIfAborted();
    return started;
  }

  /** Connects to 127.0.0.1:`port` inside. Each direction ends by itself; destroying the stream resets the connection. */
  async connect(port: number): Promise<Duplex> {
    checkPort(port);
    const connection = this.#session.open((id) => {
      this.#session.writer.connect(id, port, OUTPUT_WINDOW);
      return new Connection(this.#session.writer, id, port);
    });
    return await connection.opened;
  }

  /** Whether somebody inside listens at that TCP port. */
  async listening(port: number): Promise<boolean> {
    checkPort(port);
    const reply = await this.#request((request) => this.#session.writer.listening(request, port));
    const [listens] = reply.answer;
    if (listens === undefined)
      throw new ProtocolError('the supervisor did not say whether the port is bound');
    return listens !== 0;
  }

  /**
   * The absolute path of the program that {@link spawn} would run for `file` there, or null. Needs `/proc` inside; rejects
   * like `spawn` where the directory is missing.
   */
  async resolve(file: string, at: Whereabouts): Promise<string | null> {
    return await resolveProgram((command) => this.spawn(command), file, at);
  }

  /**
   * Looks a user up in the environment's own files as Docker does, and makes what is missing of home and entries. Needs
   * `/proc` inside, and a supervisor that is root there. Rejects with one sentence for a user or group that does not exist.
   */
  async account(request: AccountRequest): Promise<Account> {
    return await findAccount((command) => this.spawn(command), request);
  }

  /**
   * Goes on over a unix socket in a directory that both sides see, which is faster than a stream through an engine. Before
   * the first {@link spawn} or {@link connect}; {@link account} and {@link resolve} spawn, too. What is asked for meanwhile
   * waits. The stream stays, and its end is the end as before. Resolves with false where the session stays on the stream,
   * for whatever reason. Rejects when the supervisor has left it and not arrived at the socket: then it is lost.
   */
  async moveToSocket(shared: SharedDirectory): Promise<boolean> {
    return await moveToSocket(this.#session, shared);
  }

  /** TERM to everything that it has started, KILL to what is left after `graceMs`. Resolves once nothing is left. */
  async endAll({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const ms = Math.min(Math.max(Math.ceil(graceMs), 0), 0xffff_ffff);
    await this.#request((request) => this.#session.writer.endAll(request, ms));
  }

  /** Resolves once it has answered. */
  async ping(): Promise<void> {
    await this.#request((request) => this.#session.writer.ping(request));
  }

  /**
   * From now on the supervisor ends everything when it has not heard of this program for 60 s, and this program takes it
   * for lost when it does not answer for as long. For streams that can die without ending.
   */
  keepAlive(): void {
    if (this.#pings !== undefined) return;
    let unanswered = 0;
    const ping = (): void => {
      // Counted and not timed: a machine that sleeps does not hear answers either.
      if (unanswered === UNANSWERED_PINGS) {
        this.#session.lose(new Error('the supervisor has gone: it has not answered for 60 s'));
        return;
      }
      unanswered += 1;
      this.ping().then(
        () => {
          unanswered = 0;
        },
        () => clearInterval(this.#pings),
      );
    };
    this.#pings = setInterval(ping, PING_MS).unref();
    ping();
  }

  /**
   * Ends the stream, whereupon the supervisor ends everything that it has started. Resolves once its side of the stream has
   * ended, too, after 5 s at most; to wait for the processes, call {@link endAll} before.
   */
  async close(): Promise<void> {
    clearInterval(this.#pings);
    await this.#session.close();
  }

  async #request(send: (request: number) => void): Promise<Reply> {
    const reply = await this.#session.request(send);
    if (reply.errno === 0) return reply;
    const code = errnoName(reply.errno);
    throw Object.assign(new Error(`the supervisor could not do it: ${code}`), { code });
  }
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`expected a port from 1 to 65535, got ${port}`);
  }
}
