import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LanguageClient } from './language-client.js';

const modules = join(import.meta.dirname, 'node_modules');
/** The protocol's severity of what a compiler would refuse. */
const ERROR = 1;

/**
 * What an editor does with a symbol: asks what it is and where it is defined, opens that file, types a mistake at its
 * end, and shows what the server says about it. Nothing is saved. Paths given and returned are host paths; lines and
 * columns count from 1.
 *
 * @param {import('@companion/core').CompanionRunner} runner
 * @param {{ project: string, file: string, symbol: string, mistake: string }} request Where `file` first names `symbol`.
 * @param {{ signal?: AbortSignal }} [options]
 */
export async function exploreSymbol(runner, { project, file, symbol, mistake }, options = {}) {
  const command = runner.toCompanionPath(join(modules, '.bin/typescript-language-server'));
  const server = await runner.spawn(command, ['--stdio'], options);
  try {
    const client = new LanguageClient(server);
    const typescript = await initialize(client, runner, project);

    const opened = await open(client, runner, file);
    const place = { textDocument: { uri: opened.uri }, position: positionOf(opened.text, symbol) };
    const hover = await client.request('textDocument/hover', place);
    const [target] = await client.request('textDocument/definition', place);
    if (hover === null || target === undefined)
      throw new Error(`the language server does not know ${symbol}`);
    const definition = toHostPlace(runner, target);

    const edited = definition.file === file ? opened : await open(client, runner, definition.file);
    const mistakes = await type(client, edited, mistake);
    return {
      typescript,
      hover: hover.contents.value,
      definition,
      diagnostics: mistakes.map(({ range, code, message }) => {
        return { ...toHostPlace(runner, { uri: edited.uri, range }), code, message };
      }),
      exit: await client.shutdown(),
    };
  } finally {
    await server.stop();
  }
}

/** Resolves with the version of TypeScript that the server uses. */
async function initialize(client, runner, project) {
  const announced = client.nextNotification('$/typescriptVersion', () => true);
  const rootUri = runner.toCompanionUri(pathToFileURL(project));
  await client.request('initialize', {
    processId: runner.clientProcessId,
    rootUri,
    workspaceFolders: [{ uri: rootUri, name: 'project' }],
    capabilities: { textDocument: { hover: { contentFormat: ['markdown'] }, publishDiagnostics: {} } },
    initializationOptions: {
      tsserver: {
        // This example's TypeScript, not the one of the project that is explored.
        path: runner.toCompanionPath(join(modules, 'typescript/lib/tsserver.js')),
        // Else the first questions go to a second, quick server that knows syntax but neither types nor other files.
        useSyntaxServer: 'never',
      },
      // It would look for type packages on the network.
      disableAutomaticTypingAcquisition: true,
    },
  });
  client.notify('initialized', {});
  return (await announced).version;
}

async function open(client, runner, file) {
  const text = await readFile(file, 'utf8');
  const uri = runner.toCompanionUri(pathToFileURL(file));
  client.notify('textDocument/didOpen', {
    textDocument: { uri, languageId: 'typescript', version: 1, text },
  });
  return { uri, text };
}

/** Adds lines at the end of a document, unsaved; resolves with the errors that the server finds in them. */
async function type(client, { uri, text }, lines) {
  const firstLine = text.split('\n').length - 1;
  const errors = (diagnostics) =>
    diagnostics.filter(({ severity, range }) => severity === ERROR && range.start.line >= firstLine);
  const published = client.nextNotification(
    'textDocument/publishDiagnostics',
    (params) => params.uri === uri && errors(params.diagnostics).length > 0,
  );
  client.notify('textDocument/didChange', {
    textDocument: { uri, version: 2 },
    contentChanges: [{ text: text + lines }],
  });
  return errors((await published).diagnostics);
}

function positionOf(text, symbol) {
  const offset = text.search(new RegExp(`\\b${symbol}\\b`));
  if (offset === -1) throw new Error(`${symbol} does not occur`);
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length - 1, character: lines.at(-1).length };
}

function toHostPlace(runner, { uri, range: { start } }) {
  return { file: fileURLToPath(runner.toHostUri(uri)), line: start.line + 1, column: start.character + 1 };
}
