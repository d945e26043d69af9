// How the Language Server Protocol puts JSON-RPC messages on a byte stream: headers, an empty line, then so many bytes.

const END_OF_HEADERS = Buffer.from('\r\n\r\n');

/**
 * @param {object} message
 * @returns {Buffer}
 */
export function encodeMessage(message) {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

/**
 * Every message of a stream. The stream may be cut anywhere, also inside a character.
 *
 * @param {AsyncIterable<Buffer>} stream
 */
export async function* decodeMessages(stream) {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const headersEnd = rest.indexOf(END_OF_HEADERS);
      if (headersEnd === -1) break;
      const headers = rest.toString('latin1', 0, headersEnd);
      const length = /^Content-Length: *(\d+)\s*$/im.exec(headers)?.[1];
      if (length === undefined) throw new Error(`not a message of the protocol: ${JSON.stringify(headers)}`);
      const bodyStart = headersEnd + END_OF_HEADERS.length;
      const bodyEnd = bodyStart + Number(length);
      if (rest.length < bodyEnd) break;
      yield JSON.parse(rest.toString('utf8', bodyStart, bodyEnd));
      rest = rest.subarray(bodyEnd);
    }
  }
}
