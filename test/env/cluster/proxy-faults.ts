import type { IncomingMessage, ServerResponse } from 'node:http';

/** What becomes of a request instead of being passed on as it is. */
export type Fault =
  /** Is answered by the proxy with a Status object; the API server does not see it. */
  | { readonly kind: 'status'; readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** A watch is answered with 200 and an event of type ERROR that holds a Status, then ends. */
  | { readonly kind: 'error-event'; readonly code: number; readonly reason: string }
  /** Is passed on after a time. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection is reset before the API server sees the request. */
  | { readonly kind: 'reset' }
  /** The API server carries it out; in place of its answer comes a Status object of this code, else the connection is reset. */
  | { readonly kind: 'lose-answer'; readonly code?: number };

/** What the API server itself says with a code. */
const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function statusObject(code: number, reason: string, retryAfterSeconds?: number) {
  const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
  const message = `the test's proxy says ${code}`;
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, details };
}

/** Answers in the place of the API server. */
export function answerWithStatus(
  request: IncomingMessage,
  response: ServerResponse,
  { code, reason = REASONS[code] ?? 'InternalError', retryAfterSeconds }: Extract<Fault, { kind: 'status' }>,
): void {
  request.resume();
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(statusObject(code, reason, retryAfterSeconds)));
}

/** Answers a watch in the place of the API server. */
export function answerWithErrorEvent(
  response: ServerResponse,
  { code, reason }: Extract<Fault, { kind: 'error-event' }>,
): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ type: 'ERROR', object: statusObject(code, reason) })}\n`);
}
