import { localBackend } from '@companion/backend-local/backend';
import { filesystemMutants } from './filesystem.js';
import { judge } from './judge.js';
import { rooted } from './rooted.js';

judge('files of their own', filesystemMutants, rooted(localBackend));
