/** A machine that ssh(1) reaches, and the engine's socket there. */
export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** The socket of the engine on that machine; unset: the docker command there knows. */
  readonly socketPath?: string;
}

/** What follows `ssh://`: user@host:port/path. A text is the reason why it is none. */
export function parseSshTarget(rest: string): SshTarget | string {
  if (/[?#]/.test(rest)) return 'it has a query or a fragment';
  const parts = /^(?:([^@/]*)@)?(?:\[([^\]]+)\]|([^:/@[\]]+))(?::(\d+))?(\/.*)?$/.exec(rest);
  if (parts === null) return 'it has no host';
  const [, user, bracketed, plain = '', port, path = ''] = parts.map((part) => part && decoded(part));
  const host = bracketed ?? plain;
  if (user?.includes(':')) return 'it has a password, which ssh does not take from here';
  // Neither may be taken for an option of ssh(1), nor the path for a word of the shell there.
  if (!/^[\w.:][\w.:%-]*$/.test(host)) return 'its host is no name and no address';
  if (user !== undefined && !/^[\w.][\w.@+$\\-]*$/.test(user)) return 'its user is no name';
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return 'its port is none';
  if (!/^[\w./@%+:,~-]*$/.test(path)) return 'its path has characters that a shell would read';
  return {
    host,
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
    ...(/[^/]/.test(path) && { socketPath: path }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
