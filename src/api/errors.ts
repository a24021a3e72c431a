/** Where in a user's input an error lies; every part is optional because not every fault has one. */
export interface ErrorLocation {
  /** `<Kind> <namespace>/<name>` of the object at fault. */
  readonly object?: string;
  /** POSIX path of the file, relative to the package (or as given on the command line). */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Field path, for example `spec.upstream.repo` or `pipeline.mutators[0].image`. */
  readonly field?: string;
}

export type RetryPolicy =
  /** Only a change of the spec (or of the content in git) can help. */
  | 'terminal'
  /** The same work may succeed later; the work queue backs off. */
  | 'backoff'
  /** The state moved underneath; read it again and plan anew. */
  | 'replan';

export interface ErrorOptionsWithLocation extends ErrorLocation {
  readonly cause?: unknown;
}

/**
 * Base of all errors that reach a user. They are mapped to conditions, events and requeues in one place and never
 * classified by message text. Messages must not hold secrets.
 */
export abstract class VerandaError extends Error {
  abstract readonly retry: RetryPolicy;
  /** CamelCase, used as condition and event reason. */
  readonly reason: string;
  readonly location: ErrorLocation;

  constructor(reason: string, message: string, options: ErrorOptionsWithLocation = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.reason = reason;
    const { cause: _cause, ...location } = options;
    this.location = location;
  }
}

/** The input is wrong and stays wrong until somebody changes it. */
export class TerminalError extends VerandaError {
  readonly retry = 'terminal' as const;
}

/** What the input names is not there yet, or not in a state of use: its coming wakes whoever waits, without a change of the input. */
export class MissingError extends TerminalError {}

/** Something outside failed in a way that may pass (network, server, timeout). */
export class TransientError extends VerandaError {
  readonly retry = 'backoff' as const;
}

/** A compare-and-swap lost: what the caller expected is no longer so. */
export class ConflictError extends VerandaError {
  readonly retry = 'replan' as const;
}

/** The message of anything thrown, for wrapping. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `file:line: field: message`, with the parts that are known. */
export function describeError(error: unknown): string {
  if (!(error instanceof VerandaError)) return errorMessage(error);
  const { file, line, field } = error.location;
  const place = file === undefined ? undefined : line === undefined ? file : `${file}:${line}`;
  return [place, field, error.message].filter((part) => part !== undefined).join(': ');
}
