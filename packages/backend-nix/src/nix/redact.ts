import { stripVTControlCharacters } from 'node:util';

/** What Nix's own flake references have after the `?`: nobody hides secrets there. */
const HARMLESS_PARAMETERS = new Set(
  'ref rev dir narHash lastModified revCount submodules shallow allRefs host lfs name unpack'.split(' '),
);
const SECRET_NAME =
  /token|secret|passw|passphrase|credential|api_?key|access_?key|private_?key|authorization/i;
const SHORTEST_SECRET = 6;

/** Takes out of Nix's words what must not be shown: passwords in addresses, tokens, values of variables. */
export class Redaction {
  readonly #secrets: readonly string[];

  /** `env`: what Nix runs with. */
  constructor(env: Readonly<Record<string, string>>) {
    const values = Object.entries(env).filter(([name]) => SECRET_NAME.test(name) && !name.endsWith('_SOCK'));
    this.#secrets = [...values.map(([, value]) => value), ...accessTokens(env.NIX_CONFIG)]
      .filter((secret) => secret.length >= SHORTEST_SECRET)
      // The longest first: one may be part of another.
      .sort((one, other) => other.length - one.length);
  }

  /** Without colours, too. */
  apply(text: string): string {
    let shown = stripVTControlCharacters(text)
      .replaceAll(/(\b(?:illegal configuration line|has invalid value) )'.*?'/g, "$1'…'")
      .replaceAll(/(\bhttps?:\/\/)[^\s/'"]+@/g, '$1***@')
      .replaceAll(/(\w:\/\/[^\s/@:'"]*):[^\s/'"]+@/g, '$1:***@')
      .replaceAll(/([?&])([\w.-]+)=([^\s&'"#]*)/g, (whole, mark: string, name: string) =>
        HARMLESS_PARAMETERS.has(name) ? whole : `${mark}${name}=***`,
      );
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, '***');
    return shown;
  }
}

/** Of the setting `access-tokens = github.com=TOKEN …`, and of its `extra-` form. */
function accessTokens(configuration = ''): readonly string[] {
  const lines = configuration.matchAll(/^\s*(?:extra-)?access-tokens\s*=(.*)$/gm);
  return [...lines].flatMap(([, tokens = '']) =>
    tokens.split(/\s+/).map((token) => token.slice(token.indexOf('=') + 1).replace(/^(?:PAT|OAuth2):/, '')),
  );
}
