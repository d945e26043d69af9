import { CompanionError } from '@companion/core';
import { wordsOf } from './engine-call.js';
import type { ImageReference } from './reference.js';
import { type RegistryLogin, secretsOf } from './registry-credentials.js';

const MAX_WORDS = 400;

/** The one error of an image that cannot be had. */
export function imageUnavailable(message: string, hint?: string, cause?: unknown): CompanionError {
  return new CompanionError('COMPANION_IMAGE_UNAVAILABLE', message, { hint, cause });
}

/** Containers of another system are not made. */
export function notLinux(reference: string, os: string): CompanionError {
  return new CompanionError(
    'COMPANION_UNSUPPORTED',
    `image "${reference}" is for ${os}, and companions run in Linux containers`,
    { hint: 'Use an image for Linux; on Docker Desktop, switch to Linux containers.' },
  );
}

/** A failed pull in the registry's own words, with the hint that fits them. */
export function pullFailure(
  error: unknown,
  pull: {
    readonly reference: ImageReference;
    readonly platform: string | undefined;
    readonly login: RegistryLogin;
    readonly kind: 'docker' | 'podman';
  },
): CompanionError {
  const words = oneLine(wordsOf(error), secretsOf(pull.login.auth));
  return imageUnavailable(
    `image "${pull.reference.written}" cannot be pulled: ${words}`,
    hintFor(words, pull),
  );
}

/** What an engine or a registry said, as one short line without secrets: known ones, and those of signed addresses. */
export function oneLine(text: string, secrets: readonly string[] = []): string {
  let line = text
    // Podman tells its own steps first.
    .replace(/^(?:initializing source docker:\/\/\S+: |unable to copy from source docker:\/\/\S+: )+/, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(\w:\/\/)[^\s/@]+@/g, '$1***@')
    .replaceAll(/(https?:\/\/[^\s"?]+)\?[^\s"]+/g, '$1?…')
    .trim();
  for (const secret of secrets) line = line.replaceAll(secret, '***');
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS - 1)}…` : line;
}

// The status cannot tell them apart: a refused login and a dead registry are both 500, and 200 in a stream.
function hintFor(
  words: string,
  { reference, platform, login, kind }: Parameters<typeof pullFailure>[1],
): string | undefined {
  const { registry } = reference;
  const loginCommand = `${kind} login${registry === 'docker.io' ? '' : ` ${registry}`}`;
  const says = (pattern: RegExp): boolean => pattern.test(words);
  if (says(/toomanyrequests|rate limit|too many requests/i)) {
    return login.auth === undefined
      ? `The registry limits pulls without a login: wait, or run \`${loginCommand}\`.`
      : 'The registry limits pulls: wait, or use a mirror of it.';
  }
  if (says(/no space left on device|disk quota exceeded/i)) {
    return `The engine's disk is full: \`${kind} system prune\` removes what nothing uses.`;
  }
  if (
    says(
      /no matching manifest|no image found in (?:image index|manifest list)|(?:operating system|platform).*(?:cannot be used|not match|not supported)|unknown operating system or architecture|does not provide the specified platform/i,
    )
  ) {
    return `The registry has no image for ${platform ?? "the engine's platform"} under this name: set image.platform to one that it has.`;
  }
  // Docker Hub says the same for what is private and what does not exist.
  if (
    says(
      /no basic auth|unauthorized|authentication required|authorization|denied|invalid username|incorrect username|\b40[13]\b/i,
    )
  ) {
    return loginHint(login, loginCommand, registry);
  }
  if (says(/manifest unknown|name unknown|not found|unknown: |does not exist|repository name not known/i)) {
    return registry === 'localhost'
      ? 'Names that begin with localhost/ are of images made on the engine itself: build or load it there.'
      : 'Check the name and the tag: the registry answers, and does not have it.';
  }
  if (says(/x509|certificate/i)) {
    return `The engine does not trust the certificate of ${registry}: give the engine its authority's certificate.`;
  }
  if (says(/server gave HTTP response to HTTPS client/i)) {
    return `${registry} speaks plain HTTP: the engine has to have it among its insecure registries.`;
  }
  if (
    says(
      /connection refused|no such host|timeout|timed out|unreachable|deadline exceeded|connection reset|\bEOF\b|dial tcp|\b50[0234]\b|lookup /i,
    )
  ) {
    return registry === 'localhost'
      ? 'Names that begin with localhost/ are of images made on the engine itself: build or load it there.'
      : `The engine could not reach ${registry}: check that it is up, and the engine's network and proxy.`;
  }
  return undefined;
}

function loginHint(login: RegistryLogin, command: string, registry: string): string {
  if (login.auth !== undefined) {
    return `The registry refused the login of ${login.origin}: run \`${command}\` again, or check that it may read this image.`;
  }
  const looked = login.problems.length === 0 ? '' : ` (${login.problems.join('; ')})`;
  return `No login for ${registry} was found${looked}: check the name, or run \`${command}\`.`;
}
