import { localBackend } from '@companion/backend-local/backend';
import { judge } from './judge.js';
import { carried, portsMutants, sharedPortsMutants } from './ports.js';

judge('ports that are carried', portsMutants, carried(localBackend));
judge('ports of this machine', sharedPortsMutants);
