import { after } from 'node:test';
import { conformance } from '@companion/testkit/node-test';
import { configuredBackend } from './local-machine/configured-backend.js';
import { startSshd } from './local-machine/sshd.js';

const { reason, multiplexed, stop } = await startSshd();
if (reason === undefined) {
  process.env.COMPANION_TEST_SSH = JSON.stringify(multiplexed);
  after(stop);
}
const unavailable = { ...configuredBackend, detect: async () => ({ available: false, reason }) };
await conformance({
  backend: reason === undefined ? configuredBackend : unavailable,
  module: './local-machine/configured-backend.js#configuredBackend',
});
