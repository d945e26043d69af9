import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openContext, packContext } from '../../src/image/build-context.js';

let root: string;
let context: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'companion build '));
  context = join(root, 'context');
  await mkdir(context);
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\n');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function unpacked(dockerfile?: string): Promise<{ directory: string; names: string[] }> {
  const directory = join(root, 'unpacked');
  const names: string[] = [];
  const stream = await packContext(await openContext(context, dockerfile));
  const map = (header: any) => {
    names.push(header.name);
    expect([header.uid, header.gid]).toEqual([0, 0]);
    return header;
  };
  await pipeline(stream, extract(directory, { map, umask: 0, validateSymlinks: false } as any));
  return { directory, names: names.sort() };
}

test('contents, modes, links, long names and empty folders arrive as they are', async () => {
  const long = `${'é'.repeat(60)}/${'x'.repeat(150)}`;
  await mkdir(join(context, 'é'.repeat(60)));
  await mkdir(join(context, 'empty'));
  await writeFile(join(context, long), 'long');
  await writeFile(join(context, 'tool'), '#!/bin/sh\n');
  await chmod(join(context, 'tool'), 0o4777);
  await symlink('../outside', join(context, 'link'));
  const { directory } = await unpacked();
  expect(await readFile(join(directory, long), 'utf8')).toBe('long');
  expect((await lstat(join(directory, 'tool'))).mode & 0o777).toBe(0o777);
  expect(await readlink(join(directory, 'link'))).toBe('../outside');
  expect((await lstat(join(directory, 'empty'))).isDirectory()).toBe(true);
});

test('.dockerignore is honoured, and an exception brings back what is in an ignored folder', async () => {
  await mkdir(join(context, 'node_modules/a'), { recursive: true });
  await mkdir(join(context, 'src'));
  for (const file of ['node_modules/a/x', 'node_modules/keep', 'src/a', 'src/a.log', 'secret'])
    await writeFile(join(context, file), file);
  await writeFile(
    join(context, '.dockerignore'),
    'node_modules\n!node_modules/keep\n**/*.log\nsecret\nDockerfile\n',
  );
  const { names } = await unpacked();
  expect(names).toEqual(['.dockerignore', 'Dockerfile', 'node_modules/keep', 'src', 'src/a']);
});

test("a Dockerfile's own ignore file is the only one", async () => {
  await mkdir(join(context, 'docker'));
  await writeFile(join(context, 'docker/web'), 'FROM scratch\n');
  await writeFile(join(context, 'docker/web.dockerignore'), '*\n!a\n');
  await writeFile(join(context, '.dockerignore'), 'a\n');
  await writeFile(join(context, 'a'), '');
  await writeFile(join(context, 'b'), '');
  expect((await unpacked('docker/web')).names).toEqual(['a', 'docker/web']);
});

test('sockets are left out', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(context, 's'), resolve));
  try {
    expect((await unpacked()).names).toEqual(['Dockerfile']);
  } finally {
    server.close();
  }
});

test('a Dockerfile outside of the context is refused, however it is named', async () => {
  await writeFile(join(root, 'Dockerfile'), '');
  await symlink('../Dockerfile', join(context, 'link'));
  for (const dockerfile of ['../Dockerfile', join(root, 'Dockerfile'), '../missing', 'link']) {
    await expect(openContext(context, dockerfile)).rejects.toThrow(
      /image\.build\.dockerfile: expected a path inside the build context/,
    );
  }
});

test('an absolute path inside and a link to a file inside are the file itself', async () => {
  await symlink('Dockerfile', join(context, 'link'));
  expect((await openContext(context, join(context, 'Dockerfile'))).dockerfile).toBe('Dockerfile');
  expect((await openContext(context, 'link')).dockerfile).toBe('Dockerfile');
});

test('a context or a Dockerfile that is not there is unavailable', async () => {
  await expect(openContext(join(root, 'no'), undefined)).rejects.toMatchObject({
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    message: expect.stringContaining('is not a directory'),
  });
  await expect(openContext(context, 'no')).rejects.toMatchObject({
    code: 'COMPANION_IMAGE_UNAVAILABLE',
    message: expect.stringContaining('has no "no"'),
  });
});
