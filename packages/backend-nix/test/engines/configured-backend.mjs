import { nixBackend } from '@companion/backend-nix/backend';

/** The backend with the flake and the cache that the environment names: for those who give no options of their own. */
const inFlake = (request) => ({
  ...request,
  backendOptions: {
    flake: process.env.COMPANION_TEST_FLAKE,
    cacheDirectory: process.env.COMPANION_TEST_NIX_CACHE,
    ...request.backendOptions,
  },
});

export const configuredBackend = {
  ...nixBackend,
  detect: (request, options) => nixBackend.detect(inFlake(request), options),
  create: (request) => nixBackend.create(inFlake(request)),
};
