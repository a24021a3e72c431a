import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';

/** A client of an API server that nobody has started. */
export function offlineClient(): HttpApiClient {
  const server = 'https://127.0.0.1:1';
  const access = async () => ({ server, headers: {}, tls: {} });
  const credentials = { server, namespace: undefined, access, refused: () => undefined };
  return new HttpApiClient({ credentials, userAgent: 'test' });
}
