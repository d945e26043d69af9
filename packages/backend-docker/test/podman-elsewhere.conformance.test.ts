import { remoteConformance } from './engines/engine-conformance.js';

await remoteConformance('podman');
