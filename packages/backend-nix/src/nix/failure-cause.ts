import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is wrong, where Nix's words tell. */
export interface FailureCause {
  readonly kind: FailureKind;
  /** What to do about it; a full sentence. */
  readonly hint: string;
}

export type FailureKind =
  | 'feature-disabled'
  | 'configuration'
  | 'daemon'
  | 'store'
  | 'no-space'
  | 'git'
  | 'syntax'
  | 'not-tracked'
  | 'missing-file'
  | 'unreadable'
  | 'no-flake'
  | 'no-shell'
  | 'attribute'
  | 'not-bash'
  | 'hash'
  | 'lock-file'
  | 'impure'
  | 'registry'
  | 'refused'
  | 'not-found'
  | 'network'
  | 'sandbox'
  | 'system'
  | 'not-allowed'
  | 'recursion'
  | 'build';

type Hint = (match: RegExpExecArray, cwd: string) => string;

/** How flakes are switched on. */
const ENABLE_FLAKES =
  'Add the line `experimental-features = nix-command flakes` to ~/.config/nix/nix.conf or /etc/nix/nix.conf.';

/** How the daemon is started. */
const START_DAEMON =
  process.platform === 'darwin'
    ? 'Start the Nix daemon: `sudo launchctl kickstart -k system/org.nixos.nix-daemon`.'
    : 'Start the Nix daemon: `sudo systemctl start nix-daemon`.';

const UNREADABLE_PLACE =
  'This release of Nix reads no git repository at a path with spaces, # or ?, or letters beyond ASCII: give the directory a plain name, or use a newer Nix.';

// The first that fits: what is more special stands above what it is a case of. Each pattern knows the words of several
// releases of Nix.
const CAUSES: readonly (readonly [FailureKind, RegExp, string | Hint])[] = [
  ['feature-disabled', /experimental \w+ feature '([\w-]+)' is disabled/, (match) => enable(match[1] ?? '')],
  [
    'configuration',
    /illegal configuration line|has invalid value|syntax error in configuration/,
    'Mend the setting in nix.conf or in the variable NIX_CONFIG.',
  ],
  [
    'daemon',
    /cannot connect to (?:socket|daemon) at .*Permission denied/,
    "Only some users may talk to the Nix daemon here: make this one a member of the socket's group (on Debian: nix-users).",
  ],
  [
    'daemon',
    /cannot connect to (?:socket|daemon) at|cannot open connection to remote store|could not connect to daemon/,
    START_DAEMON,
  ],
  [
    'store',
    /(?:creating directory|opening lock file|cannot open|setting permissions on|creating) '?"?\/nix\/\S*(?:: | )?.*Permission denied|permission to lock Nix database/,
    'The store belongs to another user: run the Nix daemon, which builds for all users, or install Nix as this one.',
  ],
  [
    'sandbox',
    /the group '\w+' specified in 'build-users-group' does not exist/,
    'Make the users that build, or add the line `build-users-group =` to nix.conf.',
  ],
  [
    'sandbox',
    /does not support the kernel namespaces|private mount namespace|cloning builder process: |unable to start build process|unsharing filesystem/,
    'Nix cannot make its sandbox here, as in many containers: add the line `sandbox = false` to nix.conf.',
  ],
  [
    'no-space',
    /No space left on device|Disk quota exceeded|disk is full/i,
    'Free some space: `nix-collect-garbage --delete-old` removes what no shell or profile needs.',
  ],
  [
    'git',
    /executing 'git': No such file|program 'git' (?:was )?not found|unable to find .*\bgit\b.* executable/i,
    'Install git: Nix needs it for a flake that is in a git repository.',
  ],
  [
    'git',
    /is not owned by current user|dubious ownership/,
    'Git reads no repository of another user: `git config --global --add safe.directory DIRECTORY` permits it.',
  ],
  ['git', /'file:\/\/[^']*' is not a valid URL/, UNREADABLE_PLACE],
  [
    'git',
    /fatal: '\/[^']*' does not appear to be a git repository/,
    (_, cwd) =>
      /[#?]/.test(cwd)
        ? UNREADABLE_PLACE
        : 'Check that the repository is still where the input of the flake says.',
  ],
  ['syntax', /syntax error, /, 'Mend the file at the place that Nix names.'],
  [
    'not-tracked',
    /[Pp]ath '([^']+)' (?:in the repository .* )?is not tracked by Git/,
    (match) => trackHint(match[1] ?? ''),
  ],
  [
    'lock-file',
    /requires lock file changes|not allowed to (?:update|write) .*lock file|cannot write modified lock file|flake\.lock'?:? .*(?:Permission denied|Read-only)|(?:Permission denied|Read-only).*flake\.lock/s,
    'Write flake.lock where it can be written, with `nix flake lock`, and take it along.',
  ],
  [
    'unreadable',
    /(?:opening (?:file|directory)|getting status of|reading directory) '([^']*)': Permission denied/,
    (match) => `Give this user the right to read ${match[1]}.`,
  ],
  [
    'no-flake',
    /could not find a flake\.nix|does not contain a '?\/?(?:[^']*\/)?flake\.nix'? file/,
    (_, cwd) => flakeFile(cwd),
  ],
  [
    'missing-file',
    /getting status of '[^']*-source\/([^']*)': No such file|path '[^']*-source\/([^']*)' does not exist/,
    missingFile,
  ],
  [
    'not-bash',
    /only works on derivations that use 'bash' as their builder/,
    'A dev shell is a derivation whose builder is bash: `pkgs.mkShell { … }` makes one.',
  ],
  [
    'no-shell',
    /does not provide attribute|attribute '[^']*' in selection path|is not a derivation/,
    '`nix flake show` lists what there is; `backendOptions.nix.attribute` names the shell to take.',
  ],
  [
    'hash',
    /hash mismatch|mismatch in field 'narHash'/i,
    'What was fetched is not what was expected: where the new content is right, take over its hash, or `nix flake update` for an input.',
  ],
  [
    'impure',
    /in pure eval(?:uation)? mode/,
    'Make it an input of the flake, or set `backendOptions.nix.impure` to true.',
  ],
  [
    'registry',
    /cannot find flake '/,
    'Write the whole reference, like `github:NixOS/nixpkgs/nixos-unstable`: this name is in no registry of this machine.',
  ],
  [
    'refused',
    /HTTP error 40[13]|HTTP error 429|rate limit|could not read (?:Username|Password)|Authentication failed|Permission denied \(publickey|Could not read from remote repository/i,
    'The server refused: it wants a login (`access-tokens` or `netrc-file` in nix.conf, a key for ssh), or limits requests without one.',
  ],
  [
    'not-found',
    /HTTP error 404|Repository not found|Remote branch .* not found/i,
    'The server answers and does not have it: check the reference, and whether it needs a login.',
  ],
  [
    'network',
    /unable to download '|Could(?:n't| not) (?:resolve|connect)|Failed to connect to|unable to access '|Connection (?:refused|reset|timed out)|Timeout was reached|Network is unreachable|SSL (?:connect|peer)|program 'git' failed with exit code 128/i,
    'Check the network and the proxy (`https_proxy`), and that the input is still where the flake says.',
  ],
  [
    'system',
    /is required to build '|required (?:system|platform)|platform mismatch|Cannot build .*\n.*required/i,
    'The shell is for another kind of machine: give the flake one for this, or set up a remote builder.',
  ],
  [
    'not-allowed',
    /has an unfree license|is marked as (?:insecure|broken)|is not available on the requested hostPlatform/,
    "Permit the package in the flake's own configuration of nixpkgs; variables like NIXPKGS_ALLOW_UNFREE count only with `backendOptions.nix.impure`.",
  ],
  [
    'recursion',
    /infinite recursion encountered|stack overflow|max-call-depth exceeded/,
    'The expression needs its own value: `nix develop --show-trace` shows the way there.',
  ],
  [
    'attribute',
    /attribute '[^']*' missing|undefined variable '/,
    'Mend the name at the place that Nix names; in an input it may have been renamed by an update.',
  ],
  [
    'build',
    /[Bb]uilder for '([^']*\.drv)' failed|Cannot build '([^']*\.drv)'|build(?:ing)? of '([^'!^]*\.drv)[^']*' (?:from .drv file )?(?:failed|timed out)/,
    (match) => `All of the build's output: \`nix log ${match[1] ?? match[2] ?? match[3]}\`.`,
  ],
  [
    'missing-file',
    /getting status of '([^']*)': No such file|path '([^']*)' does not exist/,
    (match) => `There is no ${match[1] ?? match[2]}.`,
  ],
];

/** `cwd`: where Nix ran. */
export function causeOf(lines: readonly string[], cwd: string): FailureCause | undefined {
  // What a build has printed is about something else.
  const text = lines.filter((line) => !/^\s*> /.test(line)).join('\n');
  for (const [kind, pattern, hint] of CAUSES) {
    const match = pattern.exec(text);
    if (match !== null) return { kind, hint: typeof hint === 'string' ? hint : hint(match, cwd) };
  }
  return undefined;
}

function enable(feature: string): string {
  return feature === 'flakes' || feature === 'nix-command'
    ? ENABLE_FLAKES
    : `Add the line \`extra-experimental-features = ${feature}\` to ~/.config/nix/nix.conf or /etc/nix/nix.conf.`;
}

/** A file that Nix does not see is often there, and git does not know it. */
function missingFile(match: RegExpExecArray, cwd: string): string {
  const path = match[1] ?? match[2] ?? '';
  return existsIn(cwd, path) ? trackHint(path) : `There is no ${path} in the flake.`;
}

function flakeFile(cwd: string): string {
  return existsIn(cwd, 'flake.nix')
    ? trackHint('flake.nix')
    : 'Make a flake.nix (`nix flake init`), or name another flake with `backendOptions.nix.flake`.';
}

/** What to do about a file that git does not know. */
function trackHint(path: string): string {
  return `In a git repository Nix sees only what git tracks: \`git add --intent-to-add ${path}\`.`;
}

/** A flake's paths count from the root of its repository. */
function existsIn(cwd: string, path: string): boolean {
  for (let directory = cwd; ; directory = dirname(directory)) {
    if (existsSync(join(directory, path))) return true;
    if (directory === dirname(directory) || existsSync(join(directory, '.git'))) return false;
  }
}
