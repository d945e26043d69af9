import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a package was found. */
export interface ResolvedPackage {
  /** Of the file to import. */
  readonly path: string;
  readonly version: string | undefined;
  /** Whether the project in the current directory has it, or this command has brought it along. */
  readonly from: 'project' | 'command';
}

/**
 * Finds a package: the project's own first, because that is what its code runs with, then what was installed beside
 * this command. `undefined` when neither has it. @throws where a package is there but broken.
 */
export function resolvePackage(name: string): ResolvedPackage | undefined {
  const places = [
    { from: 'project', base: join(process.cwd(), 'package.json') },
    { from: 'command', base: fileURLToPath(import.meta.url) },
  ] as const;
  for (const { from, base } of places) {
    const { resolve } = createRequire(base);
    const path = resolveFrom(resolve, name);
    if (path !== undefined) return { path, from, version: versionOf(resolve, name) };
  }
  return undefined;
}

function resolveFrom(resolve: NodeJS.RequireResolve, name: string): string | undefined {
  try {
    return resolve(name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function versionOf(resolve: NodeJS.RequireResolve, name: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(resolve(`${name}/package.json`), 'utf8'));
    return typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : undefined;
  } catch {
    // A package need not show its manifest; its version is only told.
    return undefined;
  }
}
