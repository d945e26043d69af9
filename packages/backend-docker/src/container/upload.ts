import { basename, dirname } from 'node:path';
import { supervisorBinary } from '@companion/supervisor';
import type Dockerode from 'dockerode';
import { pack } from 'tar-fs';
import type { Image } from '../image/image.js';
import { supervisorArchitecture } from '../image/platform.js';
import { SUPERVISOR } from './mounts.js';

/** For an engine that does not see this machine's files. Before the container is started. */
export async function uploadSupervisor(container: Dockerode.Container, image: Image): Promise<void> {
  const program = supervisorBinary(supervisorArchitecture(image));
  const archive = pack(dirname(program), {
    entries: [basename(program)],
    map: (header) => ({ ...header, name: SUPERVISOR.slice(1), mode: 0o755, uid: 0, gid: 0 }),
  });
  await container.putArchive(archive, { path: '/' });
}
