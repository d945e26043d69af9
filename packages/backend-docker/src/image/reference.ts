/** An image's name as the engine's API wants it: complete, with a tag or a digest. */
export interface ImageReference {
  /** As the user wrote it: for messages and events. */
  readonly written: string;
  /** `docker.io`, `localhost`, `registry.example.com:5000`. */
  readonly registry: string;
  /** Without registry, tag and digest: `library/alpine`. */
  readonly path: string;
  /** `undefined` where only a digest was given. */
  readonly tag: string | undefined;
  /** With its algorithm: `sha256:…`. */
  readonly digest: string | undefined;
  /** `docker.io/library/alpine:latest`. Podman's API refuses the short names that its command accepts. */
  readonly full: string;
}

const REGISTRY = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d+)?$/i;
const PATH = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z][a-z0-9]*(?:[-_+.][a-z][a-z0-9]*)*:[0-9a-f]{32,}$/i;

/** An engine's own id of an image: it names one that is present, and can be pulled from nowhere. */
export function isImageId(text: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{64}$/.test(text);
}

/** Reads a reference as docker does: no registry is `docker.io`, no tag is `latest`. Throws `TypeError`. */
export function parseReference(written: string): ImageReference {
  const at = written.indexOf('@');
  const digest = at < 0 ? undefined : written.slice(at + 1);
  const named = at < 0 ? written : written.slice(0, at);
  const colon = named.lastIndexOf(':');
  // A colon before a slash belongs to the registry's port.
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : digest === undefined ? 'latest' : undefined;
  const { registry, path } = splitName(hasTag ? named.slice(0, colon) : named);
  if (
    !REGISTRY.test(registry) ||
    !PATH.test(path) ||
    (tag !== undefined && !TAG.test(tag)) ||
    (digest !== undefined && !DIGEST.test(digest))
  ) {
    throw new TypeError(
      `image: expected a reference like "node:24" or "registry.example.com/name@sha256:…", its name in lower case, got ${JSON.stringify(written)}`,
    );
  }
  // Where both are given the digest counts, as for docker.
  const version = digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
  return { written, registry, path, tag, digest, full: `${registry}/${path}${version}` };
}

function splitName(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = /[.:A-Z]/.test(first) || first === 'localhost';
  if (!isRegistry) return { registry: 'docker.io', path: slash < 0 ? `library/${name}` : name };
  const path = name.slice(slash + 1);
  if (first !== 'docker.io' && first !== 'index.docker.io') return { registry: first, path };
  return { registry: 'docker.io', path: path.includes('/') ? path : `library/${path}` };
}
