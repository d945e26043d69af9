import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MountTable } from '../src/paths.js';
import { fakeCompanion, startedFake } from './fake-companion.js';

let root: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'companion-paths-')));
  for (const directory of ['source/deep/er', 'other', 'target'])
    mkdirSync(join(root, directory), { recursive: true });
  symlinkSync(join(root, 'target'), join(root, 'link'));
});
afterAll(() => rmSync(root, { recursive: true }));

const at = (...parts: readonly string[]): string => join(root, ...parts);
const mount = (hostPath: string, companionPath: string) => ({
  hostPath,
  companionPath,
  readOnly: false,
  strict: false,
});

function table(
  filesystem: 'shared' | 'bound' | 'copied',
  mounts: readonly ReturnType<typeof mount>[] = [],
  sourceDir = at('source'),
  workspaceDir = '/workspace',
): MountTable {
  return new MountTable({ sourceDir, workspaceDir }, mounts, filesystem);
}

const notMapped = expect.objectContaining({ code: 'COMPANION_PATH_NOT_MAPPED', hint: expect.any(String) });

/** Names as they occur in the worst of directories; never a separator, a zero byte, `.` or `..`. */
const name = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.constantFrom(
      'a b',
      '100%',
      '%41',
      '#1',
      'what?',
      'ä',
      'e\u{301}',
      '日本',
      '👩‍👩‍👧',
      'a\\b',
      ' ',
      '~',
      '..a',
      'a\nb',
      "'",
      '"',
      '&',
      '+',
    ),
  )
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
const below = fc.array(name, { maxLength: 5 });

describe('there and back again', () => {
  it.each(['shared', 'bound', 'copied'] as const)('is the same place on a %s filesystem', (filesystem) => {
    const paths = table(filesystem, [
      mount(at('other'), '/mnt/other'),
      mount(at('source', 'deep'), '/mnt/deep'),
    ]);
    fc.assert(
      fc.property(fc.constantFrom('source', 'other', 'source/deep'), below, (base, names) => {
        const path = at(base, ...names);
        const inside = paths.toCompanionPath(path);
        expect(paths.toHostPath(inside)).toBe(path);
        expect(paths.directoryInside(['/workspace', { hostPath: path }]).path).toBe(inside);
      }),
    );
  });

  it.each(['shared', 'bound'] as const)(
    'is the same place for URIs on a %s filesystem, whatever the names',
    (filesystem) => {
      const paths = table(filesystem, [mount(at('other'), '/mnt/other')]);
      fc.assert(
        fc.property(fc.constantFrom('source', 'other'), below, (base, names) => {
          const uri = pathToFileURL(at(base, ...names)).href;
          const inside = paths.toCompanionUri(uri);
          expect(inside).toMatch(/^file:\/\/\/[!-~]*$/);
          expect(paths.toHostUri(inside)).toBe(uri);
        }),
      );
    },
  );

  it('is the same place when the project itself lies below the workspace’s name', () => {
    // As on machines that keep every project in /workspace.
    const paths = table('shared', [], '/workspace/app');
    expect(paths.toHostPath(paths.toCompanionPath('src/x'))).toBe('/workspace/app/src/x');
    expect(paths.toHostPath('/workspace')).toBe('/workspace/app');
    expect(paths.directoryInside(['/workspace', paths.toCompanionPath('src')]).path).toBe(
      '/workspace/app/src',
    );
    expect(paths.mountedHostPath(paths.toCompanionPath('src/x'))).toBe('/workspace/app/src/x');
  });
});

describe('a filesystem of its own', () => {
  it('maps by the longest prefix, not by order and not by mere spelling', () => {
    const paths = table('bound', [
      mount(at('source', 'deep'), '/deep'),
      mount(at('source', 'deep', 'er'), '/deep/er/x'),
    ]);
    expect(paths.toCompanionPath(at('source', 'deep', 'er', 'f'))).toBe('/deep/er/x/f');
    expect(paths.toCompanionPath(at('source', 'deep', 'f'))).toBe('/deep/f');
    expect(paths.toCompanionPath(at('source', 'deeper'))).toBe('/workspace/deeper');
    expect(paths.toHostPath('/deep/er/x/f')).toBe(at('source', 'deep', 'er', 'f'));
    expect(paths.toHostPath('/deep/er/y')).toBe(at('source', 'deep', 'er', 'y'));
  });

  it('refuses what is not below sourceDir or a mount', () => {
    const paths = table('bound');
    for (const path of [at('other'), at('sourcery'), '..', '/', at('source', '..', 'other')])
      expect(() => paths.toCompanionPath(path), path).toThrow(notMapped);
    for (const path of ['/etc/passwd', '/workspaces', '/workspace/../etc', '../etc', '/'])
      expect(() => paths.toHostPath(path), path).toThrow(notMapped);
  });

  it('takes relative host paths from sourceDir, and relative companion paths from the workspace', () => {
    const paths = table('bound', [mount(at('other'), '/other')]);
    expect(paths.toCompanionPath('a/./b/../c')).toBe('/workspace/a/c');
    expect(paths.toCompanionPath('.')).toBe('/workspace');
    expect(paths.toCompanionPath('../other/x')).toBe('/other/x');
    expect(paths.toHostPath('a/./b/../c')).toBe(at('source', 'a', 'c'));
    expect(paths.toHostPath('../other/x')).toBe(at('other', 'x'));
  });

  it('knows a linked directory by both of its names', () => {
    const paths = table('bound', [], at('link'));
    expect(paths.toCompanionPath(at('link', 'x'))).toBe('/workspace/x');
    expect(paths.toCompanionPath(at('target', 'x'))).toBe('/workspace/x');
    expect(paths.toHostPath('/workspace/x')).toBe(at('link', 'x'));
  });

  it('can have its workspace at the root', () => {
    const paths = table('bound', [], at('source'), '/');
    expect(paths.toCompanionPath('a')).toBe('/a');
    expect(paths.toHostPath('/a')).toBe(at('source', 'a'));
  });

  it('gives a process the companion path that it asks for, mapped or not', () => {
    const paths = table('bound');
    expect(paths.directoryInside(['/workspace', undefined])).toEqual({ path: '/workspace' });
    expect(paths.directoryInside(['/workspace', 'sub/dir'])).toEqual({ path: '/workspace/sub/dir' });
    expect(paths.directoryInside(['/workspace', '/etc'])).toEqual({ path: '/etc' });
    expect(paths.directoryInside(['/else', { hostPath: 'sub' }])).toEqual({ path: '/workspace/sub' });
    expect(() => paths.directoryInside(['/workspace', { hostPath: '/etc' }])).toThrow(notMapped);
  });
});

describe('a shared filesystem', () => {
  it('leaves host paths what they are, also outside of every mount', () => {
    const paths = table('shared');
    expect(paths.toCompanionPath('a')).toBe(at('source', 'a'));
    expect(paths.toCompanionPath('/etc/hosts')).toBe('/etc/hosts');
    expect(paths.toHostPath('/etc/hosts')).toBe('/etc/hosts');
    expect(paths.toHostPath(at('other'))).toBe(at('other'));
  });

  it('translates companion paths below a mount to the places they stand for', () => {
    const paths = table('shared', [mount(at('other'), '/go/pkg/mod')]);
    expect(paths.toHostPath('/workspace/a')).toBe(at('source', 'a'));
    expect(paths.toHostPath('/go/pkg/mod/../mod/x')).toBe(at('other', 'x'));
    expect(paths.directoryInside(['/workspace', '/go/pkg/mod/x'])).toMatchObject({
      path: at('other', 'x'),
      translated: { hostPath: at('other'), companionPath: '/go/pkg/mod' },
    });
  });

  it('translates a base and what is relative to it once', () => {
    const paths = table('shared', [mount(at('other'), root)]);
    expect(paths.directoryInside(['/workspace', undefined]).path).toBe(at('source'));
    expect(paths.directoryInside(['/workspace', undefined, 'sub']).path).toBe(at('source', 'sub'));
    expect(paths.directoryInside(['/workspace', 'a', 'b']).path).toBe(at('source', 'a', 'b'));
  });

  it('says nothing of a translation where none was needed', () => {
    const paths = table('shared', [mount(at('other'), at('other'))]);
    expect(paths.directoryInside(['/workspace', at('other', 'x')])).toEqual({ path: at('other', 'x') });
    expect(paths.directoryInside(['/workspace', '/etc'])).toEqual({ path: '/etc' });
  });
});

describe('arguments that are no paths', () => {
  it.each(['', 'a\0b', undefined, 5])('are refused: %s', (path) => {
    const paths = table('bound');
    for (const call of [() => paths.toCompanionPath(path as string), () => paths.toHostPath(path as string)])
      expect(call).toThrow(TypeError);
  });

  it('are refused: URIs of something that is no file', () => {
    const paths = table('shared');
    expect(() => paths.toCompanionUri('untitled:Untitled-1')).toThrow(TypeError);
    expect(() => paths.toHostUri('https://example.com/a')).toThrow(TypeError);
  });
});

describe('a companion', () => {
  it('answers before init() and follows withMount()', async () => {
    const { runner } = await fakeCompanion(
      { capabilities: { filesystem: 'bound' } },
      { sourceDir: at('source') },
    );
    expect(runner.toCompanionPath('a')).toBe('/workspace/a');
    expect(() => runner.toCompanionPath('../other')).toThrow(notMapped);
    runner.withMount('../other', '/other');
    expect(runner.toCompanionPath('../other')).toBe('/other');
    expect(runner.toCompanionUri(pathToFileURL(at('source', 'a b')))).toBe('file:///workspace/a%20b');
    expect(runner.toHostUri('file:///other/%23')).toBe(pathToFileURL(at('other', '#')).href);
  });

  it('gives every process its directory, and says once per mount that it was translated', async () => {
    const { runner, environment, events } = await startedFake(
      {},
      {
        sourceDir: at('source'),
        mounts: [{ hostPath: '../other', companionPath: '/mnt/other' }],
        workDir: 'deep',
      },
    );
    const directories = [undefined, 'er', '/mnt/other', '/mnt/other/x', { hostPath: 'deep' }, at('target')];
    for (const cwd of directories) await runner.spawn('tool', [], cwd === undefined ? {} : { cwd });
    expect(environment.processes.map(({ command }) => command.cwd)).toEqual([
      at('source', 'deep'),
      at('source', 'deep', 'er'),
      at('other'),
      at('other', 'x'),
      at('source', 'deep'),
      at('target'),
    ]);
    expect(environment.request.workDir).toBe(at('source', 'deep'));
    const translated = events.filter((event) => event.type === 'mount-translated');
    expect(translated).toMatchObject([{ companionPath: '/workspace' }, { companionPath: '/mnt/other' }]);
    await runner.shutdown();
  });

  it('refuses a directory that is not there inside, and starts nothing', async () => {
    const { runner, environment } = await startedFake({ capabilities: { filesystem: 'bound' } });
    const process = runner.newProcess('tool').withDir({ hostPath: `${sep}etc` });
    await expect(process.start()).rejects.toEqual(notMapped);
    await expect(process.wait()).rejects.toEqual(notMapped);
    await process.signal('SIGTERM');
    await process.stop();
    expect(environment.processes).toEqual([]);
    await runner.shutdown();
  });
});
