/**
 * A POSIX shell script with its values as `$1`, `$2`, …: nothing is ever quoted into the script's text. Spread it:
 * `runner.run(...sh('printf %s "$1" > "$2"', text, file))`. `$0` is `sh`.
 */
export function sh(script: string, ...parameters: readonly string[]): [file: 'sh', args: string[]] {
  return ['sh', ['-c', script, 'sh', ...parameters]];
}

/** Script lines after which the shell is deaf to polite signals. What it starts with `sh` is deaf, too. */
export const DEAF = "trap '' TERM HUP INT";

/** Script text: `"$@"` in a session of its own, in the background. Needs `setsid` (util-linux, busybox, toybox). */
export const IN_OWN_SESSION = 'setsid "$@" &';
