import { registriesWithLogin } from '../image/registry-credentials.js';
import type { EngineAnswer, NoEngine } from './probe.js';

/** An engine in a line or two, for whoever wants to know what is used and why. Names registries, never a login. */
export async function describeEngine(answer: EngineAnswer, env: NodeJS.ProcessEnv): Promise<string> {
  const { kind, version, apiVersion, rootless, endpoint, filesystemIsShared } = answer;
  const engine = [
    `${kind === 'podman' ? 'Podman' : 'Docker'} ${version}`,
    `API ${apiVersion}`,
    ...(rootless ? ['rootless'] : []),
    ...(filesystemIsShared ? [] : ["without this machine's files"]),
  ].join(', ');
  const registries = await registriesWithLogin(kind, env);
  return [
    `${engine}, at ${endpoint.address} (${endpoint.origin})`,
    ...(registries.length > 0 ? [`logins for ${registries.join(', ')}`] : []),
    ...answer.passedOver.filter(isWorthSaying).map(({ reason }) => `passed over: ${reason}`),
  ].join('; ');
}

/** Of all the places where an engine may be, most have none. */
function isWorthSaying({ cause }: NoEngine): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT';
}
