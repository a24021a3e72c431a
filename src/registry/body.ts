import { tooLarge } from './errors.ts';

/**
 * Collects bytes up to a limit.
 * @throws TerminalError TooLarge as soon as there are more
 */
export async function readAll(body: AsyncIterable<Uint8Array>, limit: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(what, size, limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The start of a body, for messages; the rest is not read. */
export async function readStart(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8');
}
