import {
  ConflictError,
  type ErrorOptionsWithLocation,
  TerminalError,
  TransientError,
  type VerandaError,
} from '../../../api/errors.ts';
import { isMap, type JsonMap, member } from '../../json.ts';

/** What may pass: the server is overloaded, starting, or cannot be reached. */
export class ServerError extends TransientError {
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, message: string, options: ErrorOptionsWithLocation & { retryAfterMs?: number } = {}) {
    const { retryAfterMs, ...rest } = options;
    super(reason, message, rest);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server's sentence may repeat what was sent. */
const MAX_MESSAGE = 2000;

/**
 * The error that an unsuccessful response stands for, decided by HTTP status and `reason` of the Status object, which is also what a
 * watch's ERROR event holds.
 */
export function statusError(
  code: number,
  body: unknown,
  context: { readonly what: string; readonly object?: string; readonly retryAfterMs?: number },
): VerandaError {
  const status = isMap(body) && body.kind === 'Status' ? body : undefined;
  const details = mapAt(status, 'details');
  const reason = textAt(status, 'reason') ?? '';
  const message = shorten(textAt(status, 'message') ?? `${context.what}: the server answered ${code}`);
  const { object } = context;
  switch (code) {
    case 401:
      return new TransientError('Unauthorized', message, { object });
    case 403:
      return new TransientError('Forbidden', message, { object });
    case 404:
      // A path that nobody serves has no details: that is not the same as an object that is not there.
      if (details?.name === undefined) {
        return new TransientError('NotServed', `${context.what}: the server does not serve this path`, { object });
      }
      return new TerminalError('NotFound', message, { object });
    case 409:
      return new ConflictError(reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict', message, { object });
    case 410:
      return new ConflictError('Expired', message, { object });
    case 422:
      return new TerminalError('Invalid', message, { object, field: fieldOf(details) });
  }
  if (code === 429 || code >= 500) {
    const seconds = numberAt(details, 'retryAfterSeconds');
    const retryAfterMs = context.retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000);
    return new ServerError(reason || (code === 429 ? 'TooManyRequests' : 'ServerError'), message, {
      object,
      retryAfterMs,
    });
  }
  return new TerminalError(reason || 'BadRequest', message, { object });
}

/** No response, or one that broke off. */
export function networkError(what: string, error: unknown, object?: string): ServerError {
  const code = isMap(error) && typeof error.code === 'string' ? error.code : causeCode(error);
  const message = error instanceof Error ? error.message : String(error);
  // An error of several addresses has no message of its own.
  return new ServerError('ServerUnreachable', `${what}: ${message || code || 'the connection failed'}`, {
    object,
    cause: error,
  });
}

/** Why a call was aborted by its own clock. */
export function timeoutError(what: string, milliseconds: number, object?: string): ServerError {
  return new ServerError('Timeout', `${what}: no answer in ${milliseconds} ms`, { object });
}

function causeCode(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return isMap(cause) && typeof cause.code === 'string' ? cause.code : undefined;
}

function fieldOf(details: JsonMap | undefined): string | undefined {
  const causes = member(details ?? {}, 'causes');
  if (!Array.isArray(causes)) return undefined;
  const fields = causes.flatMap((cause: unknown) => (isMap(cause) ? (textAt(cause, 'field') ?? []) : []));
  // What the server calls the object as a whole.
  return fields.find((field) => field !== '' && field !== '<nil>');
}

function mapAt(map: JsonMap | undefined, key: string): JsonMap | undefined {
  const value = map && member(map, key);
  return isMap(value) ? value : undefined;
}

function textAt(map: JsonMap | undefined, key: string): string | undefined {
  const value = map && member(map, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberAt(map: JsonMap | undefined, key: string): number | undefined {
  const value = map && member(map, key);
  return typeof value === 'number' ? value : undefined;
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}
