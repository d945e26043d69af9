// biome-ignore-all lint/suspicious/noTemplateCurlyInString: interpolations of Nix look like that
import { SYSTEM, shellFlake } from '../engines/flakes.js';

/** A flake, or a shell.nix, with files that its evaluation reads and files that it does not. */
export interface SourceCase {
  readonly files: Readonly<Record<string, string>>;
  /** Paths that are absent at first; each is created in turn. */
  readonly created?: readonly string[];
  /** Files of no consequence, of which the watch knows. */
  readonly ignored?: readonly string[];
  /** Directory of the flake in the tree. */
  readonly directory?: string;
  readonly kind?: 'file';
  /** Works in repositories only. */
  readonly git?: true;
  readonly impure?: true;
  /** Directories by the name of a variable, such as NIX_PATH. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Symbolic links, to what they name. */
  readonly links?: Readonly<Record<string, string>>;
}

const outputs = (formals: string, attributes: string, inputs = ''): string =>
  shellFlake(attributes).replace('outputs = { self }:', `${inputs} outputs = ${formals}:`);
const MAIN = { 'src/main.ts': 'main', 'README.md': 'read me' };
const IGNORED = ['src/main.ts', 'README.md'];
const shellFile = (attributes: string): string =>
  `derivation ({ name = "shell"; system = "${SYSTEM}"; builder = "/bin/bash"; } // { ${attributes} })`;

export const SOURCES: Readonly<Record<string, SourceCase>> = {
  'names nothing': {
    files: { ...MAIN, 'flake.nix': shellFlake('A = "1";') },
    created: ['default.nix'],
    ignored: IGNORED,
  },
  'imports a chain of files': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = import ./nix/a.nix;'),
      'nix/a.nix': 'import ../b.nix + "a"',
      'b.nix': '"b"',
      'nix/unused.nix': '"unused"',
    },
    ignored: [...IGNORED, 'nix/unused.nix'],
  },
  'reads files': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake(
        'A = builtins.readFile ./a.txt; B = builtins.toJSON (builtins.fromTOML (builtins.readFile ./b.toml));',
      ),
      'a.txt': 'a',
      'b.toml': 'b = 1\n',
    },
    ignored: IGNORED,
  },
  'lists a directory': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = builtins.attrNames (builtins.readDir ./dir);'),
      'dir/a': 'a',
      'dir/deep/b': 'b',
    },
    created: ['dir/c', 'dir/deep/d'],
    ignored: IGNORED,
  },
  'asks for a file that is absent': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake(
        'A = if builtins.pathExists ./local.nix then import ./local.nix else "none"; B = builtins.pathExists ./dir;',
      ),
    },
    created: ['local.nix', 'dir/x'],
    ignored: IGNORED,
  },
  'imports a directory': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = import ./dir;'),
      'dir/default.nix': 'import ./a.nix',
      'dir/a.nix': '"a"',
      'dir/unused': 'x',
    },
    ignored: [...IGNORED, 'dir/unused'],
  },
  'adds a text to a path': {
    files: { ...MAIN, 'flake.nix': shellFlake('A = import (./. + "/dir/x.nix");'), 'dir/x.nix': '"x"' },
    created: ['dir/y.nix'],
    ignored: IGNORED,
  },
  'adds a text to the path of a directory': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let at = ./dir; in import (at + "/../x.nix");'),
      'dir/y': '"y"',
      'x.nix': '"x"',
    },
  },
  'goes through self': {
    files: { ...MAIN, 'flake.nix': shellFlake(`A = import "\${self}/x.nix";`), 'x.nix': '"x"' },
    created: ['y.nix'],
  },
  'goes through outPath': {
    files: { ...MAIN, 'flake.nix': shellFlake('A = builtins.readFile (self.outPath + "/README.md");') },
  },
  'takes an output of its own': {
    files: {
      ...MAIN,
      'flake.nix': `${shellFlake('A = self.lib.a;').replace(/\}\n$/, '').replace('{ self }: {', '{ self }: { lib.a = "a";')}}\n`,
    },
    ignored: IGNORED,
  },
  'copies a directory': {
    files: { ...MAIN, 'flake.nix': shellFlake('src = ./src; B = "${./nested}/b";'), 'nested/b': 'b' },
    created: ['src/new.ts'],
    ignored: ['README.md'],
  },
  'copies a directory, and makes a text of it': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let one = { src = ./src; }; in toString (builtins.attrValues one);'),
    },
  },
  'copies by builtins.path with a filter': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake(
        'A = "${builtins.path { path = ./src; name = "source"; filter = path: type: baseNameOf path != "main.ts"; }}";',
      ),
    },
    created: ['src/new.ts'],
  },
  'makes a text of a path': { files: { ...MAIN, 'flake.nix': shellFlake('A = toString ./src;') } },
  'uses the name of the whole': { files: { ...MAIN, 'flake.nix': shellFlake('A = baseNameOf ./.;') } },
  'asks where it stands': { files: { ...MAIN, 'flake.nix': shellFlake('A = __curPos.file;') } },
  'asks where an attribute stands': {
    files: { ...MAIN, 'flake.nix': shellFlake('A = (builtins.unsafeGetAttrPos "x" { x = 1; }).file;') },
  },
  'asks when it was changed': {
    files: { ...MAIN, 'flake.nix': shellFlake('A = toString self.lastModified;') },
  },
  'asks for its revision': { files: { ...MAIN, 'flake.nix': shellFlake('A = self.rev or "dirty";') } },
  'asks for its hash': { files: { ...MAIN, 'flake.nix': shellFlake('inherit (self) narHash;') } },
  'interpolates a path': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let name = "x"; in import ./dir/${name}.nix;'),
      'dir/x.nix': 'import ../y.nix',
      'y.nix': '"y"',
    },
    created: ['dir/z.nix'],
  },
  'maps import over a list': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = map import [ ./a.nix ./b.nix ];'),
      'a.nix': '"a"',
      'b.nix': 'import ./c.nix',
      'c.nix': '"c"',
    },
  },
  'names its import anew': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let import = toString; in import ./a.nix;'),
      'a.nix': '"a"',
    },
  },
  'hands all inputs on': {
    files: {
      ...MAIN,
      'flake.nix': outputs('inputs', 'A = import ./a.nix inputs;'),
      'a.nix': 'all: builtins.readFile "${all.self}/README.md"',
    },
  },
  'hands all inputs on, by another name': {
    files: { ...MAIN, 'flake.nix': outputs('{ self, ... }@everything', 'A = (x: "${x.self}") everything;') },
  },
  'comments and texts that look like paths': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake("A = \"./README.md\"; /* ./src */ B = ''import ./src''; # ./x\n"),
    },
    ignored: IGNORED,
  },
  'an input beside its files': {
    files: {
      ...MAIN,
      'flake.nix': outputs(
        '{ self, lib }',
        'A = lib.a; B = import ./b.nix;',
        'inputs.lib.url = "path:./lib";',
      ),
      'b.nix': '"b"',
      'lib/flake.nix': '{ outputs = { self }: { a = import ./a.nix; }; }',
      'lib/a.nix': '"a"',
    },
    ignored: IGNORED,
  },
  'a flake in a directory of the repository': {
    directory: 'dir',
    git: true,
    files: {
      ...MAIN,
      'dir/flake.nix': shellFlake('A = import ./a.nix; B = import ../up/b.nix;'),
      'dir/a.nix': '"a"',
      'up/b.nix': '"b"',
      'dir/c': 'c',
    },
    ignored: [...IGNORED, 'dir/c'],
  },
  'a flake in a directory that goes through self': {
    directory: 'dir',
    git: true,
    files: { ...MAIN, 'dir/flake.nix': shellFlake('A = "${self}";'), 'dir/c': 'c' },
  },
  'links to files': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = import ./link.nix; B = builtins.readFile ./linked/b;'),
      'real/a.nix': 'import ./b',
      'real/b': '"b"',
    },
    links: { 'link.nix': 'real/a.nix', linked: 'real' },
    ignored: IGNORED,
  },
  'a shell.nix': {
    kind: 'file',
    files: {
      ...MAIN,
      'shell.nix': shellFile(
        'A = import ./a.nix; B = builtins.getEnv "COMPANION_TEST"; C = builtins.pathExists ./no;',
      ),
      'a.nix': '"a"',
    },
    created: ['no'],
    ignored: IGNORED,
  },
  'a shell.nix with a path that is put together': {
    kind: 'file',
    files: {
      ...MAIN,
      'shell.nix': shellFile('A = let n = "a"; in import (./. + "/${n}.nix"); src = ./src;'),
      'a.nix': 'import ./b.nix',
      'b.nix': '"b"',
    },
    created: ['src/new.ts'],
  },
  'a shell.nix that searches': {
    kind: 'file',
    files: {
      ...MAIN,
      'shell.nix': shellFile(
        'A = import <lib/a.nix>; B = import <lib> { }; C = map (entry: entry.prefix) builtins.nixPath;',
      ),
      'path/lib/a.nix': 'import ./b.nix',
      'path/lib/b.nix': '"b"',
      'path/lib/default.nix': '{ }: "lib"',
      'path/other/a.nix': '"other"',
    },
    variables: { NIX_PATH: 'path' },
    ignored: [...IGNORED, 'path/other/a.nix'],
  },
  'an impure flake': {
    impure: true,
    files: {
      ...MAIN,
      'flake.nix': shellFlake(
        'A = builtins.getEnv "HOME"; B = import ./a.nix; C = import (/. + builtins.getEnv "NIX_CONF_DIR" + "/x.nix") or "x";',
      ).replace(/ C = .*"x";/, ''),
      'a.nix': '"a"',
    },
    ignored: IGNORED,
  },
  'an impure flake that gets another': {
    impure: true,
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = (builtins.getFlake (toString ./lib)).a;'),
      'lib/flake.nix': '{ outputs = { self }: { a = import ./a.nix; }; }',
      'lib/a.nix': '"a"',
    },
  },
  'an input beside its files that looks at itself': {
    files: {
      ...MAIN,
      'flake.nix': outputs('{ self, lib }', 'A = lib.a;', 'inputs.lib.url = "path:./lib";'),
      'lib/flake.nix': '{ outputs = { self }: { a = "${self}"; }; }',
      'lib/other': '1',
    },
  },
  'hands inputs on to a library, and its own parts by name': {
    files: {
      ...MAIN,
      'flake.nix': outputs(
        '{ self, lib }',
        'A = lib.lib.each [ "x" "y" ] (system: { inherit system; b = self.parts.b; c = import ./c.nix { inherit lib; }; });',
        'inputs.lib.url = "path:./lib";',
      )
        .replace('{ self, lib }: {', '{ self, lib }: { parts.b = "b";')
        .replace('A = lib.lib.each', 'A = builtins.toJSON (lib.lib.each')
        .replace('{ inherit lib; }; });', '{ inherit lib; }; }));'),
      'c.nix': '{ lib }: lib.lib.name',
      'lib/flake.nix': '{ outputs = { self }: { lib = { each = list: f: map f list; name = "n"; }; }; }',
    },
    ignored: IGNORED,
  },
  'takes all inputs apart': {
    files: {
      ...MAIN,
      'flake.nix': outputs('inputs', 'A = map (input: "${input}") (builtins.attrValues inputs);'),
    },
  },
  'inherits itself': {
    files: { ...MAIN, 'flake.nix': outputs('inputs', 'A = let inherit (inputs) self; in "${self}";') },
  },
  'reads a path that a function gives': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let at = name: ./. + "/${name}.nix"; in import (at "a");'),
      'a.nix': 'import ./b.nix',
      'b.nix': '"b"',
    },
  },
  'a default that is a path': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = ({ from ? ./a.nix }: import from) { };'),
      'a.nix': 'import ./b.nix',
      'b.nix': '"b"',
    },
  },
  'imports by scopedImport': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = builtins.scopedImport { x = "x"; } ./a.nix;'),
      'a.nix': 'x + import ./b.nix',
      'b.nix': '"b"',
    },
  },
  'hashes a file': {
    files: { ...MAIN, 'flake.nix': shellFlake('A = builtins.hashFile "sha256" ./a;'), a: 'a' },
  },
  'leaves a path in an attribute and climbs from there': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let one = { src = ./src; }; in import (one.src + "/../a.nix");'),
      'a.nix': '"a"',
    },
  },
  'leaves a path in an attribute that is found by a name that is put together': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let one = { src = ./src; }; in import (one.${"sr" + "c"} + "/../a.nix");'),
      'a.nix': '"a"',
    },
  },
  'leaves a path in an attribute that is found by a text': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let one = { src = ./src; }; in import (one."src" + "/../a.nix");'),
      'a.nix': '"a"',
    },
  },
  'inherits another import': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake(
        'A = let own = { i = toString; }; inherit (builtins.mapAttrs (_: i: i) { import = own.i; }) import; in import ./a.nix;',
      ),
      'a.nix': '"a"',
    },
  },
  'leaves paths in a list': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake('A = let one = { imports = [ ./a.nix ]; }; in map import one.imports;'),
      'a.nix': 'import ./b.nix',
      'b.nix': '"b"',
    },
  },
  'copies a file, and one that is added to a path': {
    files: {
      ...MAIN,
      'flake.nix': shellFlake(
        'A = "${./a}"; B = builtins.readFile (./. + "/dir/b"); patches = [ ./p.patch ];',
      ),
      a: 'a',
      'dir/b': 'b',
      'p.patch': 'p',
    },
    ignored: IGNORED,
  },
};
