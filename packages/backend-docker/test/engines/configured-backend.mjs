import { dockerBackend } from '@companion/backend-docker/backend';

/** The backend with the engine that the environment names: for those who give no options of their own. */
const onEngine = (request) => ({
  ...request,
  backendOptions: { host: process.env.COMPANION_TEST_ENGINE, ...request.backendOptions },
});

export const configuredBackend = {
  ...dockerBackend,
  detect: (request, options) => dockerBackend.detect(onEngine(request), options),
  create: (request) => dockerBackend.create(onEngine(request)),
};
