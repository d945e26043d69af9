import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { generateCode } from './generate-code.js';
import { roundTrip } from './round-trip.js';

const here = import.meta.dirname;
const root = join(here, '../..');

/**
 * Generates code and puts it to use; resolves with pairs of label and text to print.
 *
 * @param {import('@companion/core').CompanionRunner} runner
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<string[][]>}
 */
export async function report(runner, options) {
  const files = await generateCode(runner, options);
  const written = await Promise.all(files.map(async (file) => ['wrote', await describeFile(file)]));
  const { exports, sent, bytes, equal } = await roundTrip(join(here, 'gen/toolcall/v1/tool_call_pb.js'));
  if (!equal) throw new Error(`${sent.$typeName} did not come back as it was sent`);
  return [
    ['read', relative(root, join(here, 'proto/toolcall/v1/tool_call.proto'))],
    ...written,
    ['exports', exports.join(', ')],
    ['round trip', `${sent.$typeName} went into ${bytes.length} bytes and came back equal`],
  ];
}

async function describeFile(file) {
  const lines = (await readFile(file, 'utf8')).split('\n').length - 1;
  return `${relative(root, file)} (${lines} lines)`;
}
