import type Dockerode from 'dockerode';
import type { Engine } from '../engine/engine.js';
import { FINGERPRINT_LABEL, NAME_LABEL, ownerOf } from './labels.js';
import { stateOf } from './owner.js';

/** A container that some companion has made. */
export interface Companion {
  readonly handle: Dockerode.Container;
  /** Of the companion, as its maker called it. */
  readonly name: string;
  /** As the engine calls the container. */
  readonly containerName: string;
  /** As the engine says it: `created`, `running`, `exited`, … */
  readonly state: string;
  readonly createdAt: Date;
  /** It outlives its owner (`reuse`). */
  readonly isKept: boolean;
  /** Whether the process that made it runs: `gone` only when that is certain. */
  readonly owner: 'alive' | 'gone' | 'unknown';
}

/** All on that engine, whoever made them. */
export async function companionsOn({ docker }: Engine): Promise<readonly Companion[]> {
  const found = await docker.listContainers({ all: true, filters: { label: [NAME_LABEL] } });
  return found.map(({ Id, Names, Labels, State, Created }) => ({
    handle: docker.getContainer(Id),
    name: Labels[NAME_LABEL] ?? '',
    containerName: (Names[0] ?? Id).replace(/^\//, ''),
    state: State,
    createdAt: new Date(Created * 1000),
    isKept: Labels[FINGERPRINT_LABEL] !== undefined,
    owner: stateOfOwner(Labels),
  }));
}

function stateOfOwner(labels: Readonly<Record<string, string>>): Companion['owner'] {
  const owner = ownerOf(labels);
  return owner === undefined ? 'unknown' : stateOf(owner);
}
