// The rules that every published package keeps: the shape of its manifest, and which way dependencies point
// (docs/architecture.md). What the tarballs hold and whether they work is scripts/pack-smoke.mjs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { finish, report, root } from './check-report.mjs';
import { workspaceFolders } from './workspace-folders.mjs';

const CORE_RANGE = '>=0.1.0 <1.0.0';

// Who may name whom, in a manifest and in src. A specifier with a path allows only that entry.
const ARROWS = {
  core: [],
  supervisor: ['@companion/core'],
  'backend-local': ['@companion/core', '@companion/supervisor'],
  'backend-nix': ['@companion/core', '@companion/backend-local/spawn'],
  'backend-docker': ['@companion/core', '@companion/supervisor'],
  testkit: ['@companion/core'],
  cli: [
    '@companion/core',
    '@companion/backend-local',
    '@companion/backend-nix',
    '@companion/backend-docker',
    '@companion/testkit',
  ],
  // Its template names packages; it needs none itself.
  'create-backend': [],
};

const rootManifest = readJson('package.json');

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/** Sentences for the values that differ, as expected and got. */
function differences(expected, got) {
  return Object.entries(expected)
    .filter(([key, value]) => JSON.stringify(got[key]) !== JSON.stringify(value))
    .map(([key, value]) => `${key}: expected ${JSON.stringify(value)}, got ${JSON.stringify(got[key])}`);
}

/** What a package brings besides its code. */
function otherFiles(name) {
  if (name.startsWith('create-')) return ['template'];
  return name === 'supervisor' ? ['prebuilt'] : [];
}

function checkManifest({ name, folder, manifest }) {
  const problems = differences(
    {
      name: `@companion/${name}`,
      version: readJson('packages/core/package.json').version,
      license: 'MIT',
      type: 'module',
      engines: rootManifest.engines,
      files: ['dist', 'src', ...otherFiles(name), '!**/*.tsbuildinfo'],
      publishConfig: { access: 'public', provenance: true },
    },
    manifest,
  );
  const expected = {
    type: 'git',
    url: readJson('packages/core/package.json').repository.url,
    directory: folder,
  };
  problems.push(...differences({ repository: expected }, manifest));
  if (!manifest.description) problems.push('description: expected a sentence, got none');
  for (const file of ['README.md', 'LICENSE']) {
    if (!existsSync(join(root, folder, file))) problems.push(`${folder}/${file} is missing`);
  }
  const license = join(root, folder, 'LICENSE');
  if (existsSync(license) && readFileSync(license, 'utf8') !== readFileSync(join(root, 'LICENSE'), 'utf8')) {
    problems.push(`${folder}/LICENSE differs from the LICENSE of the repository`);
  }
  return problems;
}

/** TypeScript takes the first condition that matches: "types" behind "default" is never read. */
function checkExports({ folder, manifest }) {
  const problems = [];
  const { './package.json': own, ...entries } = manifest.exports ?? {};
  if (own !== './package.json') problems.push('exports: "./package.json" is missing');
  for (const [entry, target] of Object.entries(entries)) {
    if (Object.keys(target).join() !== 'types,default') {
      problems.push(
        `exports ${entry}: expected "types" then "default", got ${Object.keys(target).join(', ')}`,
      );
      continue;
    }
    const file = /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1];
    if (file === undefined || target.types !== `./dist/${file}.d.ts`) {
      problems.push(
        `exports ${entry}: expected ./dist/X.d.ts and ./dist/X.js, got ${JSON.stringify(target)}`,
      );
    } else if (!existsSync(join(root, folder, `src/${file}.ts`))) {
      problems.push(`exports ${entry}: ${folder}/src/${file}.ts does not exist`);
    }
  }
  for (const target of Object.values(manifest.bin ?? {})) {
    const source = target.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
    if (!existsSync(join(root, folder, source))) problems.push(`bin: ${folder}/${source} does not exist`);
  }
  return problems;
}

/** A bundler drops an import for its side effect alone unless the file is named here: a backend's registration. */
function checkSideEffects({ name, manifest }) {
  if (manifest.bin !== undefined) return differences({ sideEffects: Object.values(manifest.bin) }, manifest);
  return differences({ sideEffects: name.startsWith('backend-') ? ['./dist/index.js'] : false }, manifest);
}

function checkDependencies({ name, manifest }) {
  const {
    dependencies = {},
    peerDependencies = {},
    optionalDependencies = {},
    devDependencies = {},
  } = manifest;
  const runtime = { ...dependencies, ...peerDependencies, ...optionalDependencies };
  const problems = [];
  if (name === 'core' && Object.keys(runtime).length > 0) {
    problems.push(`core depends on nothing, got ${Object.keys(runtime).join(', ')}`);
  }
  for (const dependency of Object.keys(runtime).filter((one) => one.startsWith('@companion/'))) {
    const allowed = ARROWS[name].some((arrow) => arrow === dependency || arrow.startsWith(`${dependency}/`));
    if (!allowed) problems.push(`may not depend on ${dependency}`);
  }
  // A second copy of core in one process works, but is never what a user wants: whoever extends core shares theirs.
  if (
    name !== 'core' &&
    name !== 'cli' &&
    '@companion/core' in { ...dependencies, ...optionalDependencies }
  ) {
    problems.push('@companion/core: expected a peer dependency, got a dependency');
  }
  for (const [peer, range] of Object.entries(peerDependencies)) {
    if (!peer.startsWith('@companion/')) continue;
    // Anything else, "workspace:^" included, makes changesets release 1.0.0 with the first minor.
    if (range !== CORE_RANGE) problems.push(`peer ${peer}: expected "${CORE_RANGE}", got "${range}"`);
    if (devDependencies[peer] !== 'workspace:*')
      problems.push(`peer ${peer}: "workspace:*" in devDependencies is missing`);
  }
  const testkitPeer = '@companion/testkit' in peerDependencies;
  if ('@companion/testkit' in { ...dependencies, ...optionalDependencies }) {
    problems.push('@companion/testkit: what people run may not bring the kit along');
  } else if (testkitPeer && manifest.peerDependenciesMeta?.['@companion/testkit']?.optional !== true) {
    problems.push('@companion/testkit: a peer on it must be optional');
  }
  return problems;
}

function sources(folder) {
  const src = join(root, folder, 'src');
  if (!existsSync(src)) return [];
  return readdirSync(src, { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const text = readFileSync(join(src, file), 'utf8');
      const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
      // Statements begin their line: a hint that shows an import, inside a string, is none.
      const statements = code.matchAll(/^(?:import|export)\s(?:[^'"`;]*\sfrom\s*)?['"]([^'"]+)['"]/gm);
      const expressions = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
      const specifiers = [...statements, ...expressions].map((match) => match[1]);
      return { file: file.replaceAll('\\', '/'), text, code, specifiers };
    });
}

function checkImports({ name, folder }) {
  const problems = [];
  for (const { file, specifiers } of sources(folder)) {
    for (const specifier of specifiers) {
      if (specifier.startsWith('@companion/')) {
        const allowed = ARROWS[name].some(
          (arrow) => specifier === arrow || specifier.startsWith(`${arrow}/`),
        );
        if (!allowed) problems.push(`${folder}/src/${file} may not import ${specifier}`);
      }
      const target = normalize(join(dirname(file), specifier));
      if (specifier.startsWith('.') && target.startsWith('..')) {
        problems.push(`${folder}/src/${file}: ${specifier} leaves src`);
      }
    }
  }
  return problems;
}

/** Inside core: the contract stands on nothing, and what the runner is made of does not know the runner. */
function checkCoreInside() {
  const problems = [];
  for (const { file, specifiers } of sources('packages/core')) {
    for (const specifier of specifiers) {
      const target = relative('.', join(dirname(file), specifier)).replaceAll('\\', '/');
      if (file === 'backend.ts' && !specifier.startsWith('node:')) {
        problems.push(`backend.ts imports nothing, got ${specifier}`);
      }
      if (
        /^(process|select)\//.test(file) &&
        /^(companion-runner|create-companion|index)\.js$/.test(target)
      ) {
        problems.push(`${file} may not import ${specifier}`);
      }
    }
  }
  return problems;
}

function checkTypesAreKept({ folder }) {
  const problems = [];
  for (const { file, text, code } of sources(folder)) {
    if (/@ts-(ignore|nocheck|expect-error)/.test(text))
      problems.push(`${folder}/src/${file} silences the compiler`);
    if (/(:|<|\bas|\|)\s*any\b|\bany\[\]/.test(code.replace(/(['"`])(?:\\.|(?!\1).)*\1/gs, "''"))) {
      problems.push(`${folder}/src/${file} says "any"`);
    }
  }
  return problems;
}

const published = workspaceFolders(root)
  .map((folder) => ({ folder, name: folder.split('/').at(-1), manifest: readJson(`${folder}/package.json`) }))
  .filter(({ manifest }) => manifest.private !== true);

for (const one of published) {
  if (ARROWS[one.name] === undefined) {
    report(`${one.name}: is known`, [`say in scripts/check-packages.mjs what ${one.name} may depend on`]);
    continue;
  }
  report(`${one.name}: manifest`, checkManifest(one));
  report(`${one.name}: exports`, checkExports(one));
  report(`${one.name}: side effects`, checkSideEffects(one));
  report(`${one.name}: dependencies`, checkDependencies(one));
  report(`${one.name}: imports`, checkImports(one));
  report(`${one.name}: types are kept`, checkTypesAreKept(one));
}
report('core: the contract and the parts do not know the runner', checkCoreInside());
finish('packages');
