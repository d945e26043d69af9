import { conformance } from '@companion/testkit/node-test';
import { bubblewrapBackend } from './backend.js';

await conformance({ backend: bubblewrapBackend, module: './backend.js#bubblewrapBackend' });
