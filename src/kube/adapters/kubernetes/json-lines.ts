/** A single object is far smaller; what is longer is no watch of an API server. */
const MAX_LINE = 64 * 1024 * 1024;

/**
 * The values of newline-delimited JSON, as they come. A last line without an end is a response that broke off.
 * @throws SyntaxError when a line is no JSON, RangeError when it is too long
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const newline = 0x0a;
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      pending.push(chunk.subarray(start, end));
      const line = Buffer.concat(pending).toString('utf8');
      pending = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') yield JSON.parse(line);
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      length += chunk.length - start;
    }
    if (length > MAX_LINE) throw new RangeError(`a line of the response is longer than ${MAX_LINE} bytes`);
  }
  if (length > 0) throw new SyntaxError('the response ended within a line');
}
