import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { closeServer, listen } from './git-server.ts';

export interface ForwardProxy {
  readonly url: string;
  /** `host:port` of each CONNECT and the URL of each forwarded request. */
  readonly seen: string[];
  close(): Promise<void>;
}

/** An HTTP proxy on 127.0.0.1: CONNECT for https remotes, absolute URLs for http ones. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    forward(request, response);
  });
  server.on('connect', (request, socket) => {
    seen.push(request.url ?? '');
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, seen, close: () => closeServer(server) };
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const outgoing = httpRequest(request.url ?? '', { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  request.pipe(outgoing);
}
