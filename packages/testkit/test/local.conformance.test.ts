import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { localBackend } from '@companion/backend-local/backend';
import { conformance } from '@companion/testkit/vitest';

// The built entry: the second program of the cases about the owner's death is a plain Node, which reads no sources.
const built = createRequire(import.meta.url).resolve('@companion/backend-local/backend');

await conformance({
  backend: localBackend,
  required: true,
  module: `${pathToFileURL(built).href}#localBackend`,
});
