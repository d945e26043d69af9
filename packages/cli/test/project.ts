import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of a user's own, gone after the test. */
export interface Project {
  readonly directory: string;
  /** Writes a file, relative to the directory; returns its path. */
  write(file: string, text: string, mode?: number): string;
  [Symbol.dispose](): void;
}

/** `backends`: sources of the packages `@companion/backend-<name>` that it has installed. */
export function makeProject(backends: Readonly<Record<string, string>> = {}): Project {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'companion-cli-')));
  const write = (file: string, text: string, mode = 0o644): string => {
    const path = join(directory, file);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  };
  for (const [name, source] of Object.entries(backends)) {
    const folder = `node_modules/@companion/backend-${name}`;
    const manifest = {
      name: `@companion/backend-${name}`,
      version: '9.9.9',
      type: 'module',
      main: './index.js',
    };
    write(`${folder}/package.json`, JSON.stringify(manifest));
    write(`${folder}/index.js`, source);
  }
  return { directory, write, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** The source of a backend package that is one of the fixtures. */
export function fixture(name: string): string {
  return `import ${JSON.stringify(new URL(`./fixtures/${name}.mjs`, import.meta.url).href)};`;
}
