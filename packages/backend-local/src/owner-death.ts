import { type ChildProcess, spawn } from 'node:child_process';
import { MARK_VARIABLE, ownerMark } from './marks.js';
import { resolveBinary } from './resolve-binary.js';

/**
 * Waits for its standard input to end, which happens when the owner is gone, however it went; then ends everything
 * that carries the owner's mark, with all descendants of it: TERM, a moment, KILL until nothing is left. Uses what
 * POSIX has, and sleeps of a fraction of a second where they work.
 *
 * `grep -z`, which GNU and busybox know, because busybox ends a line at the first zero byte.
 *
 * `$1` is the mark. `members` sets $members to " pid pid … " of those that run.
 */
const LINUX_SCRIPT = `
trap '' HUP INT QUIT TERM
read -r _
known=' '
members() {
  members=' '
  table=
  for file in $(grep -lszF -e "$1" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    members="$members\${pid%/environ} "
  done
  for directory in /proc/[0-9]*; do
    { read -r stat <"$directory/stat"; } 2>/dev/null || continue
    pid=\${directory#/proc/}
    set -- $1 \${stat##*) }
    case $2 in Z | X) continue ;; esac
    case $known in *" $pid:\${21} "*) members="$members$pid " ;; esac
    table="$table $pid:$3:$5:\${21}"
  done
  grown=yes
  while [ $grown = yes ]; do
    grown=no
    for row in $table; do
      pid=\${row%%:*}
      case $members in *" $pid "*) continue ;; esac
      rest=\${row#*:}
      parent=\${rest%%:*}
      rest=\${rest#*:}
      case $members in *" $parent "* | *" \${rest%%:*} "*) members="$members$pid " grown=yes ;; esac
    done
  done
  known=' '
  for row in $table; do
    case $members in *" \${row%%:*} "*) known="$known\${row%%:*}:\${row##*:} " ;; esac
  done
}
signal=TERM
pass=0
while [ $pass -lt 100 ]; do
  members "$1"
  [ "$known" = ' ' ] && [ $pass -gt 1 ] && exit 0
  [ "$known" = ' ' ] || kill -s $signal $members 2>/dev/null
  [ "$known" = ' ' ] || sleep 0.05 2>/dev/null || sleep 1
  pass=$((pass + 1))
  [ $pass -lt 2 ] || signal=KILL
done
`;

/** Without /proc (macOS): the same by ps(1), whose -E shows environments. */
const PS_SCRIPT = `
trap '' HUP INT QUIT TERM
read -r _
signal=TERM
pass=0
while [ $pass -lt 100 ]; do
  members=$(ps -A -E -ww -o pid=,ppid=,pgid=,command= | awk -v mark="$1" '
    { parent[$1] = $2; group[$1] = $3; if ($0 ~ ("${MARK_VARIABLE}=[^ ]*" mark)) found[$1] = 1 }
    END {
      do {
        grown = 0
        for (pid in parent)
          if (!(pid in found) && ((parent[pid] in found) || (group[pid] in found))) { found[pid] = 1; grown = 1 }
      } while (grown)
      for (pid in found) printf "%s ", pid
    }')
  [ -z "$members" ] && [ $pass -gt 1 ] && exit 0
  [ -z "$members" ] || kill -s $signal $members 2>/dev/null
  [ -z "$members" ] || sleep 0.05
  pass=$((pass + 1))
  [ $pass -lt 2 ] || signal=KILL
done
`;

const script = process.platform === 'linux' ? LINUX_SCRIPT : PS_SCRIPT;
const tools = process.platform === 'linux' ? ['sh', 'grep'] : ['sh', 'ps', 'awk'];

let watchdog: ChildProcess | undefined;
let available: boolean | undefined;

/** Whether this machine has what the watchdog needs. */
export function watchdogAvailable(): boolean {
  available ??= tools.every(
    (tool) => resolveBinary(tool, { env: toolEnvironment(), cwd: '/' }).is === 'program',
  );
  return available;
}

/**
 * Makes sure that this process's end, SIGKILL included, is the end of everything that carries its mark. One watchdog
 * serves the whole process; it costs one `sh` that waits.
 */
export function watchOwner(): void {
  if (watchdog !== undefined || process.platform === 'win32' || !watchdogAvailable()) return;
  // A session of its own: a Ctrl-C at the terminal must not end it before the processes it watches over.
  const started = spawn('sh', ['-c', script, 'companion-watchdog', ownerMark], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: toolEnvironment(),
    cwd: '/',
  });
  watchdog = started;
  const forget = (): void => {
    if (watchdog === started) watchdog = undefined;
  };
  started.once('exit', forget);
  started.once('error', forget);
  started.stdin?.on('error', forget);
  // Watching is no reason for this process to stay alive.
  started.unref();
  if (started.stdin !== null && 'unref' in started.stdin && typeof started.stdin.unref === 'function') {
    started.stdin.unref();
  }
}

/** Not this process's environment: the mark of an outer companion must not make the watchdog a member of its tree. */
function toolEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' };
}
