// A Nix of its own in a temporary directory: no daemon, no network, no nixpkgs.
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const USUAL_PLACES = ['/nix/var/nix/profiles/default/bin', '/run/current-system/sw/bin'];
const PATH = [...(process.env.PATH ?? '').split(delimiter), ...USUAL_PLACES].filter((one) => one !== '');

export function missingNix() {
  if (process.platform === 'win32') return 'Nix does not run on Windows; it does in WSL';
  if (findProgram('nix') !== undefined) return undefined;
  return 'there is no nix; on Debian: apt-get install --no-install-recommends nix-bin; elsewhere: https://nixos.org/download';
}

export async function startNix({ settings = '' } = {}) {
  const missing = missingNix();
  if (missing !== undefined) throw new Error(missing);
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'companion-nix-')));
  const place = (name) => join(directory, name);
  for (const name of ['conf', 'home', 'tmp', 'shells']) await mkdir(place(name));
  await writeFile(place('shells/flake.nix'), SHELLS);
  await writeFile(place('registry.json'), registry(place('shells')));
  await writeFile(place('conf/nix.conf'), `${configuration(place('registry.json'))}${settings}\n`);
  return {
    directory,
    program: findProgram('nix'),
    env: {
      PATH: PATH.join(delimiter),
      HOME: place('home'),
      TMPDIR: place('tmp'),
      XDG_CACHE_HOME: place('home/.cache'),
      XDG_CONFIG_HOME: place('home/.config'),
      XDG_CONFIG_DIRS: place('home/.config'),
      XDG_DATA_HOME: place('home/.local/share'),
      XDG_STATE_HOME: place('home/.local/state'),
      NIX_STORE_DIR: place('store'),
      NIX_STATE_DIR: place('state'),
      NIX_LOG_DIR: place('log'),
      NIX_CONF_DIR: place('conf'),
      // Those of who runs the tests would win over the files above.
      NIX_CONFIG: '',
      NIX_PATH: '',
      NIX_REMOTE: '',
      NIX_USER_CONF_FILES: '',
    },
    stop: () => removeReadOnly(directory),
  };
}

const configuration = (registryFile) => `experimental-features = nix-command flakes
sandbox = false
build-users-group =
substituters =
flake-registry = ${registryFile}
warn-dirty = false
`;

// `nix develop` wants an interactive bash of nixpkgs and complains where there is none.
const registry = (path) =>
  JSON.stringify({
    version: 2,
    flakes: [{ from: { type: 'indirect', id: 'nixpkgs' }, to: { type: 'path', path } }],
  });

// The last command is of bash itself: Nix kills a builder that has closed its output, as programs do before they exit.
const SHELLS = `{
  outputs = { self }: {
    legacyPackages = builtins.listToAttrs (map (system: {
      name = system;
      value.bashInteractive = derivation {
        inherit system;
        name = "bash";
        builder = "/bin/bash";
        PATH = "/bin:/usr/bin";
        args = [ "-c" "mkdir -p $out/bin; ln -s /bin/bash $out/bin/bash; :" ];
      } // { meta.mainProgram = "bash"; };
    }) [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]);
  };
}
`;

function findProgram(name) {
  return PATH.map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A store's directories let nobody remove what is in them. */
async function removeReadOnly(directory) {
  const entries = await readdir(directory, { withFileTypes: true });
  await chmod(directory, 0o700);
  for (const entry of entries) if (entry.isDirectory()) await removeReadOnly(join(directory, entry.name));
  await rm(directory, { recursive: true, force: true });
}
