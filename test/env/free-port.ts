import { type AddressInfo, createServer } from 'node:net';

/** A port that was free on all addresses of this machine a moment ago: another process may be quicker. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
