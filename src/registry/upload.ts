import type { RegistryCall, RegistryClient } from './client.ts';
import { sha256Digest } from './digest.ts';
import type { ImageLocation } from './reference.ts';
import type { HttpAnswer } from './transport.ts';

export interface UploadOptions {
  /** Repository of the same registry that may hold the blob already, so that nothing needs to be sent. */
  readonly mountFrom?: string;
  /** Sends larger blobs in pieces of this size. Default: in one piece. */
  readonly chunkBytes?: number;
}

/**
 * Brings a blob into a repository unless it is there already. Returns its digest.
 * @throws as calls of the client
 */
export async function pushBlob(
  client: RegistryClient,
  target: ImageLocation,
  bytes: Uint8Array,
  call: RegistryCall,
  options: UploadOptions = {},
): Promise<string> {
  const location = client.rewritten(target);
  const { repository } = location;
  const digest = sha256Digest(bytes);
  const base = { location, actions: 'pull,push' as const };
  const known = await client.request({ ...base, method: 'HEAD', path: `${repository}/blobs/${digest}` }, call);
  known.discard();
  if (known.status === 200) return digest;
  const { mountFrom } = options;
  const query = mountFrom === undefined ? '' : `?${new URLSearchParams({ mount: digest, from: mountFrom })}`;
  const moreScopes = mountFrom === undefined ? [] : [`repository:${mountFrom}:pull`];
  const started = await client.request(
    { ...base, method: 'POST', path: `${repository}/blobs/uploads/${query}`, moreScopes },
    call,
  );
  if (started.status === 201) {
    started.discard();
    return digest;
  }
  const what = `it took no upload of blob ${digest}`;
  let place = await nextPlace(client, location, started, 202, call, what);
  const { chunkBytes = bytes.byteLength } = options;
  const headers = { 'content-type': 'application/octet-stream' };
  let sent = 0;
  for (; bytes.byteLength - sent > chunkBytes; sent += chunkBytes) {
    const range = { ...headers, 'content-range': `${sent}-${sent + chunkBytes - 1}` };
    const body = bytes.subarray(sent, sent + chunkBytes);
    const answer = await client.request({ ...base, method: 'PATCH', path: place, headers: range, body }, call);
    place = await nextPlace(client, location, answer, 202, call, what);
  }
  const end = withDigest(place, digest);
  const range = sent === 0 ? headers : { ...headers, 'content-range': `${sent}-${bytes.byteLength - 1}` };
  const done = await client.request(
    { ...base, method: 'PUT', path: end, headers: range, body: bytes.subarray(sent) },
    call,
  );
  if (done.status !== 201) throw await client.failure(done, location, call, what);
  done.discard();
  return digest;
}

/**
 * Puts a manifest under its tag, or under its digest where the location has no tag. Returns the digest.
 * @throws as calls of the client
 */
export async function pushManifest(
  client: RegistryClient,
  target: ImageLocation,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  call: RegistryCall,
): Promise<string> {
  const location = client.rewritten(target);
  const digest = sha256Digest(manifest.bytes);
  const answer = await client.request(
    {
      location,
      actions: 'pull,push',
      method: 'PUT',
      path: `${location.repository}/manifests/${location.tag ?? digest}`,
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
    },
    call,
  );
  if (answer.status !== 201) throw await client.failure(answer, location, call, 'it took no manifest');
  answer.discard();
  return digest;
}

/** Where the upload goes on, as the registry says after each step. */
async function nextPlace(
  client: RegistryClient,
  location: ImageLocation,
  answer: HttpAnswer,
  expected: number,
  call: RegistryCall,
  what: string,
): Promise<string> {
  const place = answer.header('location');
  if (answer.status !== expected || place === undefined) throw await client.failure(answer, location, call, what);
  answer.discard();
  return place;
}

function withDigest(place: string, digest: string): string {
  return `${place}${place.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}
