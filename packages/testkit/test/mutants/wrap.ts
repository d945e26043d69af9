import type {
  Abortable,
  Backend,
  BackendProcess,
  Capabilities,
  Command,
  Detection,
  Environment,
  EnvironmentRequest,
} from '@companion/core/backend';

/** What is different about a wrapped backend; everything else is the real one's. */
export interface Changes {
  readonly capabilities?: Partial<Capabilities>;
  detect?(
    real: () => Promise<Detection>,
    request: EnvironmentRequest,
    options: Abortable,
  ): Promise<Detection>;
  /** What the real environment is asked for. */
  request?(request: EnvironmentRequest): EnvironmentRequest;
  environment?(real: Environment, request: EnvironmentRequest): Partial<Environment>;
  /** What the real environment is asked to start. */
  command?(command: Command): Command;
  process?(real: BackendProcess, command: Command): Partial<BackendProcess>;
}

/** The real backend with changes; without any it has to pass what the real one passes. */
export function wrap(backend: Backend, changes: Changes = {}): Backend {
  return {
    spec: backend.spec,
    name: backend.name,
    priority: backend.priority,
    capabilities: { ...backend.capabilities, ...changes.capabilities },
    detect: (request, options) => {
      const real = () => backend.detect(request, options);
      return changes.detect?.(real, request, options) ?? real();
    },
    create: (request) => {
      const asked = changes.request?.(request) ?? request;
      return wrapEnvironment(backend.create(asked), asked, changes);
    },
  };
}

function wrapEnvironment(real: Environment, request: EnvironmentRequest, changes: Changes): Environment {
  const { connect, copyIn, copyOut } = real;
  const environment: Environment = {
    start: (options) => real.start(options),
    spawn: (command, options) => real.spawn(command, options),
    resolveBinary: (file, at) => real.resolveBinary(file, at),
    stop: () => real.stop(),
    shutdown: (options) => real.shutdown(options),
    ...(connect === undefined ? {} : { connect: connect.bind(real) }),
    ...(copyIn === undefined ? {} : { copyIn: copyIn.bind(real) }),
    ...(copyOut === undefined ? {} : { copyOut: copyOut.bind(real) }),
  };
  const changed: Environment = { ...environment, ...changes.environment?.(environment, request) };
  if (changes.command === undefined && changes.process === undefined) return changed;
  return {
    ...changed,
    spawn: async (command, options) => {
      const asked = changes.command?.(command) ?? command;
      const process = await changed.spawn(asked, options);
      return { ...process, ...changes.process?.(process, asked) };
    },
  };
}
