import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where Nix reads its settings, whether there is such a file or not; `include` in them may name more. */
export function configurationFiles(env: Readonly<Record<string, string>>): readonly string[] {
  const { NIX_CONF_DIR = '/etc/nix', NIX_USER_CONF_FILES, HOME = homedir() } = env;
  const { XDG_CONFIG_HOME = join(HOME, '.config'), XDG_CONFIG_DIRS = '/etc/xdg' } = env;
  const directories = [XDG_CONFIG_HOME, ...XDG_CONFIG_DIRS.split(delimiter)];
  const user = NIX_USER_CONF_FILES?.split(delimiter) ?? directories.map((one) => join(one, 'nix/nix.conf'));
  // The second is what some installers leave to the user, and include in the first.
  const all = [join(NIX_CONF_DIR, 'nix.conf'), join(NIX_CONF_DIR, 'nix.custom.conf'), ...user];
  return all.filter((path) => path !== '');
}
