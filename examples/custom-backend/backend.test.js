import { conformance } from '@companion/testkit/node-test';
import { plainBackend } from './backend.js';

await conformance({ backend: plainBackend, module: './backend.js#plainBackend' });
