import { engineConformance } from './engines/engine-conformance.js';

await engineConformance('docker');
