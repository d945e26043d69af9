// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Nix and bash look like that
import { SYSTEM, shell } from '../engines/flakes.js';

/** Attributes of derivations in Nix's language, by the name of the dev shell. */
export const SHELLS: Readonly<Record<string, string>> = {
  plain:
    'GREETING = "hello"; NUMBER = 3; yes = true; no = false; nothing = null; empty = ""; items = [ "a" "b c" ];',
  path: 'PATH = "/shell/bin:/shell/sbin";',
  'empty-path': 'PATH = "";',
  values: `quotes = ${text(`'single' "double" \`back\``)}; lines = ${text('one\n\ntwo\n')}; dollars = ${text('$HOME ${x} $(exit 3) $$')};
    slashes = ${text('\\ \\n \\\\ \\"')}; unicode = "žluťoučký 日本 🎉"; spaces = "  around  "; tab = ${text('a\tb\rc')}; "not.a-name" = "1"; star = "*"; bang = "!x";`,
  'host-names':
    'TZ = "Shell/Zone"; TERM = "shell"; SSL_CERT_FILE = "/no-cert-file.crt"; HOME = "/nowhere"; SHARED = "shell"; SHELLVL = "7";',
  outputs: `outputs = [ "out" "dev" "lib" ]; FLAGS = builtins.concatStringsSep ":" [ (placeholder "out") "\${placeholder "dev"}/lib" ];
    shellHook = ${text('export SEEN="$out|$dev|$lib|$FLAGS"')};`,
  'outputs-without-hook': 'outputs = [ "out" "dev" ]; FLAGS = "${placeholder "dev"}/lib";',
  exports: hook(
    'export HOOKED=yes PATH="/hook/bin:$PATH"; NOT_EXPORTED=1; GREETING=changed; declare -x DECLARED="a b"; declare -ix COUNT=2+3',
    'GREETING = "hello";',
  ),
  'relative-path': hook('export PATH=./node_modules/.bin:$PATH'),
  directory: hook('cd /; export WHERE=$PWD; export OLDPWD'),
  prints: hook('echo out; echo err >&2; printf "no line break"; printf "\\0NAME=value\\0"'),
  fails: hook('false; ls /does/not/exist; no-such-command; export AFTER=1; (exit 3)'),
  'syntax-error': hook('export BEFORE=1; if then; export AFTER=1'),
  unsets: hook('unset SHARED GREETING; unset TMPDIR; export -n builder', 'GREETING = "hello";'),
  'unsets-path': hook('unset PATH'),
  functions: hook('f() { echo "f $1"; }; g() { :; }; export -f f; x-y() { echo dashed; }; export -f x-y'),
  arrays: hook('list=(a "b c"); export list; declare -A map=([k]=v); export map; export FIRST="${list[1]}"'),
  'values-of-the-hook': hook(
    `export Q="'\\"\\\`" L=$'one\\ntwo\\n' D='$HOME \${x}' B='\\\\' U='日本 🎉' E= N=$'\\x01\\x1b[0m'; export UNSET`,
  ),
  errexit: hook('set -e; true; export AFTER=1'),
  nounset: hook('set -u; export AFTER="${TMPDIR:+temporary}${NIX_BUILD_TOP:+build}${out:+out}"'),
  out: hook('export RESULT=$out/bin; export out=mine-now; export TMPDIR=/hook/tmp'),
  traps: hook('trap "echo bye" EXIT; trap "" TERM; export AFTER=1'),
  'closes-stdout': hook('exec >&- 2>&-; export AFTER=1'),
  'reads-stdin': hook('read -r line; export LINE="[$line]"'),
  umask: hook('umask 777; set -o noclobber; export AFTER=1'),
  'bash-env': hook('export BASH_ENV=/does/not/exist SHELLOPTS AFTER=1'),
  shell: hook('export SEEN="$SHELL|$IN_NIX_SHELL|$name|$0" ; SEEN=${SEEN%|*}; export SHELL=/hook/shell'),
  'data-directories': hook('export SEEN=${XDG_DATA_DIRS##*:}', 'XDG_DATA_DIRS = "/shell/share";'),
  setup: `stdenv = ./stdenv; ${hook('setupFunction; export SEEN="${setupList[1]}|${setupMap[a key]}|$setupVariable|$NOT_EXPORTED|$(type -t setupFunction)"')}`,
  'setup-without-hook': 'stdenv = ./stdenv;',
  structured: `stdenv = ./structured; __structuredAttrs = true; list = [ "a" "b c" ]; attrs = { x = "1"; "y z" = "2"; }; n = 3; text = "t";
    outputs = [ "out" "dev" ]; ${hook('export SEEN="${list[1]}|${attrs[y z]}|$n|$text|$out|${outputs[dev]}"')}`,
  'structured-without-hook': 'stdenv = ./structured; __structuredAttrs = true; list = [ "a" ]; text = "t";',
};

/** All of them in one flake. */
export const FLAKE: Readonly<Record<string, string>> = {
  'flake.nix': flake(),
  // As nixpkgs's: what the environment is made of before it is looked at.
  'stdenv/setup': `export PATH=/setup/bin NOT_EXPORTED_YET=1
NOT_EXPORTED=plain
declare -a setupList=(one "two 'three'" $'four\\nfive')
declare -A setupMap=(["a key"]="a 'value'" [b]=c)
export setupVariable="with 'quotes' and \\$dollars"
export HOME=/homeless-shelter SSL_CERT_FILE=/no-cert-file.crt
export SHARED_LIST; SHARED_LIST=(a b)
setupFunction() { export FROM_FUNCTION="$1 \${setupList[0]}"; }
quoting() { cat <<EOT
it's $1 "here"
EOT
}
`,
  'structured/setup': `for name in "\${!outputs[@]}"; do export "$name=\${outputs[$name]}"; done
export PATH=/setup/bin
`,
  // The same as the shell \`exports\`, for those who have no flake.
  'shell.nix': `{ greeting ? "hello" }: ${shell(`${SHELLS.exports} GREETING = greeting;`.replace('GREETING = "hello"; ', ''))}`,
};

function flake(): string {
  const shells = Object.entries(SHELLS).map(
    ([name, attributes]) => `      "${name}" = ${shell(attributes)};\n`,
  );
  return `{\n  outputs = { self }: {\n    devShells.${SYSTEM} = {\n${shells.join('')}    };\n  };\n}\n`;
}

function hook(script: string, attributes = ''): string {
  return `${attributes} shellHook = ${text(script)};`;
}

/** A string of Nix's language. */
function text(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&').replaceAll('${', '\\${').replaceAll('\r', '\\r')}"`;
}
