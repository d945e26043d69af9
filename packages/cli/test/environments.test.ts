// companion ps and companion prune, on a backend whose environments are files.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { companion, type Ended } from './companion-command.js';
import { fixture, makeProject, type Project } from './project.js';

const json = ({ stdout }: Ended) => JSON.parse(stdout.toString());
const BACKEND = fileURLToPath(new URL('./fixtures/files-backend.mjs', import.meta.url));
const LOAD = ['--load', `${BACKEND}#filesBackend`];
const LEFT = { state: 'stopped', owner: 'gone', kept: false, inUse: false };

const EVERYTHING = {
  busy: { state: 'running', owner: 'alive', kept: false, inUse: true },
  entered: { state: 'running', owner: 'gone', kept: true, inUse: true },
  foreign: { state: 'running', owner: 'unknown', kept: false, inUse: true },
  idle: { state: 'running', owner: 'gone', kept: true, inUse: false },
  'idle-abroad': { state: 'running', owner: 'unknown', kept: true, inUse: false },
  left: LEFT,
  'made-now': { state: 'stopped', owner: 'alive', kept: true, inUse: false },
} as const;

/** Without the docker backend, which would look for an engine. */
function makePlace(): Project {
  return makeProject({ docker: fixture('terminal-backend') });
}

/** One file each, ten minutes old. */
function write(project: Project, environments: Readonly<Record<string, object>>): void {
  const createdAt = new Date(Date.now() - 10 * 60_000 - 5000).toISOString();
  for (const [id, said] of Object.entries(environments)) {
    project.write(`there/${id}.json`, JSON.stringify({ name: 'tools', createdAt, ...said }));
  }
}

function ask(project: Project, ...args: readonly string[]): Promise<Ended> {
  const env = { ENVIRONMENTS: `${project.directory}/there` };
  return companion([...args.slice(0, 1), ...LOAD, ...args.slice(1)], { cwd: project.directory, env });
}

function remaining(project: Project): readonly string[] {
  return readdirSync(`${project.directory}/there`)
    .map((file) => file.replace('.json', ''))
    .sort();
}

describe('companion ps', () => {
  test('lists what exists, with what becomes of it', async () => {
    using project = makePlace();
    write(project, EVERYTHING);
    const { code, stdout, stderr } = await ask(project, 'ps');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [table = '', end] = stdout.toString().split('\n\n');
    const [headings, ...rows] = table.split('\n').map((line) => line.split(/ {2,}/));
    expect(headings).toEqual(['NAME', 'BACKEND', 'STATE', 'OWNER', 'AGE', 'USE', 'ID']);
    expect(Object.fromEntries(rows.map(([, , , , , use, id]) => [id, use]))).toEqual({
      busy: 'in use',
      entered: 'in use',
      foreign: 'in use',
      idle: 'kept',
      'idle-abroad': 'unknown',
      left: 'left behind',
      'made-now': 'starting',
    });
    expect(rows[0]?.slice(0, 2)).toEqual(['tools', 'files']);
    expect(rows[0]?.[4]).toBe('10 min');
    expect(end).toBe('1 left behind: companion prune removes it.\n');
  });

  test('says plainly that there is nothing', async () => {
    using project = makePlace();
    expect((await companion(['ps'], { cwd: project.directory })).stdout.toString()).toBe(
      'No environment exists.\n',
    );
  });

  test('--json says the same to programs', async () => {
    using project = makePlace();
    write(project, { left: LEFT });
    expect(json(await ask(project, 'ps', '--json'))).toEqual({
      environments: [
        {
          ...{ backend: 'files', name: 'tools', id: 'left', ...LEFT, standing: 'left behind' },
          createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        },
      ],
      errors: [],
    });
  });

  test('a backend that cannot say what exists is told, and gives 1', async () => {
    using project = makePlace();
    const { code, stdout, stderr } = await ask(project, 'ps');
    expect(code).toBe(1);
    expect(stdout.toString()).toBe('');
    expect(stderr).toMatch(/^companion: backend files: ENOENT.*there/);
    const ended = await ask(project, 'ps', '--json');
    expect(ended.code).toBe(1);
    expect(json(ended)).toMatchObject({ environments: [], errors: [{ backend: 'files', hint: null }] });
  });

  test('a backend that never answers is given up', { timeout: 60_000 }, async () => {
    using project = makePlace();
    write(project, { left: LEFT });
    const silent = ['--load', `${BACKEND}#silentBackend`];
    const { code, stdout, stderr } = await ask(project, 'ps', ...silent);
    expect(code).toBe(1);
    expect(stdout.toString()).toContain('left behind');
    expect(stderr).toBe('companion: backend silent: it did not say what exists within 10 s\n');
  });

  test('a backend that cannot be imported is told', async () => {
    using project = makeProject({ docker: 'throw new Error("no such luck");' });
    const { code, stderr } = await companion(['ps'], { cwd: project.directory });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^companion: backend docker: .*no such luck\)\n {2}Install it again: npm install/);
  });

  test.for(['ps', 'prune'])('%s takes no names', async (command) => {
    const { code, stderr } = await companion([command, 'tools']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^companion: unexpected "tools"\n/);
  });
});

describe('companion prune', () => {
  test('removes what was left behind and nothing else, and says why', async () => {
    using project = makePlace();
    write(project, EVERYTHING);
    const { code, stdout, stderr } = await ask(project, 'prune');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(remaining(project)).toEqual(Object.keys(EVERYTHING).filter((id) => id !== 'left'));
    const text = stdout.toString();
    expect(text).toMatch(/^removed +tools +files +10 min +left +its owner is gone$/m);
    expect(text).toMatch(/^left +tools .* busy +its owner runs$/m);
    expect(text).toMatch(/^left +tools .* entered +somebody is in it$/m);
    expect(text).toMatch(/^left +tools .* foreign +it runs, and nothing proves that it is this machine's$/m);
    expect(text).toMatch(
      /^left +tools .* idle +kept for the next companion of its name; --kept removes it$/m,
    );
    expect(text).toMatch(/^left +tools .* idle-abroad +nothing proves that it is this machine's/m);
    expect(text).toMatch(/^left +tools .* made-now +its owner is making it$/m);
    expect(text).toMatch(/\n\n1 removed, 6 left alone\.\n$/);
  });

  test('--kept also removes what is kept, but not from under those who are in it', async () => {
    using project = makePlace();
    write(project, EVERYTHING);
    const { stdout } = await ask(project, 'prune', '--kept');
    expect(remaining(project)).toEqual(['busy', 'entered', 'foreign', 'idle-abroad', 'made-now']);
    expect(stdout.toString()).toMatch(/^removed .* idle +kept, and nobody is in it$/m);
  });

  test('--dry-run removes nothing', async () => {
    using project = makePlace();
    write(project, EVERYTHING);
    const { code, stdout } = await ask(project, 'prune', '--kept', '--dry-run');
    expect(code).toBe(0);
    expect(remaining(project)).toEqual(Object.keys(EVERYTHING));
    expect(stdout.toString()).toMatch(/^would go .* left +its owner is gone$/m);
    expect(stdout.toString()).toMatch(/\n2 would be removed, 5 left alone\.\n$/);
  });

  test('what cannot be removed is told and stops nobody', async () => {
    using project = makePlace();
    write(project, { left: LEFT, leftover: LEFT, 'a-stuck-one': { ...LEFT, stuck: true } });
    const { code, stdout, stderr } = await ask(project, 'prune');
    expect(code).toBe(1);
    expect(remaining(project)).toEqual(['a-stuck-one']);
    expect(stdout.toString()).toMatch(/\n2 removed, 1 could not be removed\.\n$/);
    expect(stderr).toBe('companion: a-stuck-one could not be removed: the disk is read-only\n');
  });

  test('--json tells of each what became of it', async () => {
    using project = makePlace();
    write(project, { left: LEFT, stuck: { ...LEFT, stuck: true }, busy: EVERYTHING.busy });
    const ended = await ask(project, 'prune', '--json');
    expect(ended).toMatchObject({ code: 1, stderr: '' });
    const document = json(ended);
    expect(document).toMatchObject({ dryRun: false, errors: [] });
    const became = document.environments.map(({ id, result, reason }: Record<string, unknown>) => ({
      id,
      result,
      reason,
    }));
    expect(became).toHaveLength(3);
    expect(became).toEqual(
      expect.arrayContaining([
        { id: 'busy', result: 'left', reason: 'its owner runs' },
        { id: 'left', result: 'removed', reason: 'its owner is gone' },
        { id: 'stuck', result: 'failed', reason: 'the disk is read-only' },
      ]),
    );
  });

  test('nothing there is nothing to remove', async () => {
    using project = makePlace();
    const { code, stdout } = await companion(['prune'], { cwd: project.directory });
    expect({ code, stdout: stdout.toString() }).toEqual({
      code: 0,
      stdout: 'Nothing to remove: no environment exists.\n',
    });
  });
});

test('companion doctor counts what exists', async () => {
  using project = makePlace();
  write(project, EVERYTHING);
  expect((await ask(project, 'doctor')).stdout.toString()).toContain(
    '  7 environments exist (companion ps), 1 kept, 1 left behind (companion prune)\n',
  );
  const [files] = json(await ask(project, 'doctor', '--json')).backends;
  expect(files.environments).toEqual({ count: 7, kept: 1, leftBehind: 1 });
});
