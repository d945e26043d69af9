import { fileURLToPath } from 'node:url';
import { conformance } from '@companion/testkit/vitest';
import { directLocal } from './fixtures/direct-local.mjs';

await conformance({
  backend: directLocal,
  required: true,
  module: `${fileURLToPath(new URL('fixtures/direct-local.mjs', import.meta.url))}#directLocal`,
});
