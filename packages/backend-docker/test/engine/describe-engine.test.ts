import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeEngine } from '../../src/engine/describe-engine.js';
import type { EngineAnswer, NoEngine } from '../../src/engine/probe.js';

const answer: EngineAnswer = {
  ...{ available: true, kind: 'docker', version: '28.5.1', apiVersion: '1.51', builderVersion: '2' },
  ...{ arch: 'amd64', rootless: false, filesystemIsShared: true, unenforced: [], passedOver: [] },
  endpoint: {
    address: 'unix:///var/run/docker.sock',
    origin: 'a usual place',
    transport: { kind: 'socket', path: '/var/run/docker.sock' },
  },
};

function emptyHome(): NodeJS.ProcessEnv {
  const HOME = mkdtempSync(join(tmpdir(), 'companion-home-'));
  onTestFinished(() => rmSync(HOME, { recursive: true }));
  return { HOME };
}

test('says which engine it is, and who said where', async () => {
  expect(await describeEngine(answer, emptyHome())).toBe(
    'Docker 28.5.1, API 1.51, at unix:///var/run/docker.sock (a usual place)',
  );
  const remote: EngineAnswer = { ...answer, kind: 'podman', rootless: true, filesystemIsShared: false };
  expect(await describeEngine(remote, emptyHome())).toMatch(
    /^Podman 28\.5\.1, API 1\.51, rootless, without this machine's files, at /,
  );
});

test('tells what was passed over, unless nothing was there', async () => {
  const noEngine = (code: string): NoEngine => ({
    ...{ available: false, reason: `${code} happened`, hint: '' },
    cause: Object.assign(new Error(code), { code }),
  });
  const passedOver = [noEngine('ENOENT'), noEngine('EACCES')];
  expect(await describeEngine({ ...answer, passedOver }, emptyHome())).toMatch(
    /\); passed over: EACCES happened$/,
  );
});

test('names the registries that it has logins for, and nothing of the logins', async () => {
  const env = { DOCKER_CONFIG: emptyHome().HOME };
  const auth = Buffer.from('me:s3cret').toString('base64');
  const config = { auths: { 'https://index.docker.io/v1/': { auth }, 'ghcr.example': { auth } } };
  writeFileSync(join(env.DOCKER_CONFIG ?? '', 'config.json'), JSON.stringify(config));
  const described = await describeEngine(answer, env);
  expect(described).toMatch(/; logins for docker\.io, ghcr\.example$/);
  expect(described).not.toContain(auth);
});
