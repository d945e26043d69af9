/**
 * What the numbers of the protocol mean. They are Linux's: the numbers of the machine that runs this program
 * (`os.constants`) differ where the supervisor runs in a virtual machine of macOS or Windows.
 */
import type { Signal } from '@companion/core/backend';

const SIGNAL_NAMES = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG ' +
  'XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
)
  .split(' ')
  .map((name) => `SIG${name}` as Signal);

const SIGNAL_NUMBERS = new Map<string, number>([
  ...SIGNAL_NAMES.map((name, index) => [name, index + 1] as const),
  ['SIGIOT', 6],
  ['SIGPOLL', 29],
  ['SIGUNUSED', 31],
]);

const FIRST_REAL_TIME_SIGNAL = 34;

/** `undefined` for a signal that Linux does not have. */
export function signalNumber(name: string): number | undefined {
  return SIGNAL_NUMBERS.get(name);
}

/** Real-time signals have no name in Node; a process can be ended by one all the same. */
export function signalName(number: number): Signal {
  const name = SIGNAL_NAMES[number - 1];
  if (name !== undefined) return name;
  const offset = number - FIRST_REAL_TIME_SIGNAL;
  return (offset >= 0 ? `SIGRTMIN+${offset}` : `SIG${number}`) as Signal;
}

/** The first forty, in their order: errno-base.h and the beginning of errno.h. */
const FIRST_ERRNO_NAMES = (
  'EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST ' +
  'EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ' +
  'ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP'
).split(' ');

const OTHER_ERRNO_NAMES: Readonly<Record<number, string>> = {
  71: 'EPROTO',
  75: 'EOVERFLOW',
  79: 'ELIBACC',
  80: 'ELIBBAD',
  87: 'EUSERS',
  95: 'EOPNOTSUPP',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  107: 'ENOTCONN',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  113: 'EHOSTUNREACH',
  116: 'ESTALE',
  122: 'EDQUOT',
};

/** `ENOENT` for 2; `errno 200` for what has no name here. */
export function errnoName(errno: number): string {
  return FIRST_ERRNO_NAMES[errno - 1] ?? OTHER_ERRNO_NAMES[errno] ?? `errno ${errno}`;
}
