import { pathToFileURL } from 'node:url';
import { create, equals, fromBinary, toBinary } from '@bufbuild/protobuf';

/**
 * Shows that generated code works: loads it, writes a message and reads it back.
 *
 * @param {string} file The generated `tool_call_pb.js`.
 */
export async function roundTrip(file) {
  const generated = await import(pathToFileURL(file).href);
  const { RunToolRequestSchema } = generated;
  const sent = create(RunToolRequestSchema, {
    callId: 'call-1',
    command: 'prettier',
    arguments: ['--stdin-filepath', 'größe.ts'],
    variables: { LANG: 'C.UTF-8' },
    input: new TextEncoder().encode('const answer={life :42}'),
    timeLimit: { seconds: 30n, nanos: 0 },
  });
  const bytes = toBinary(RunToolRequestSchema, sent);
  const received = fromBinary(RunToolRequestSchema, bytes);
  const equal = equals(RunToolRequestSchema, sent, received);
  return { exports: Object.keys(generated), sent, bytes, received, equal };
}
