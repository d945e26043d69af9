import { sshBackend } from '../backend.js';

/** The backend with a machine that the environment names: for those who give no options of their own. */
const withMachine = (request) => ({
  ...request,
  backendOptions: request.backendOptions ?? JSON.parse(process.env.COMPANION_TEST_SSH ?? 'null') ?? undefined,
});

/** @type {import('@companion/core/backend').Backend} */
export const configuredBackend = {
  ...sshBackend,
  detect: (request, options) => sshBackend.detect(withMachine(request), options),
  create: (request) => sshBackend.create(withMachine(request)),
};
