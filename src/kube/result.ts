import {
  describeError,
  MissingError,
  type RetryPolicy,
  TerminalError,
  TransientError,
  VerandaError,
} from '../api/errors.ts';
import { type ConditionChange, retryingConditions, stalledConditions } from './conditions.ts';
import type { ReconcileResult } from './controller.ts';

/** When a key is worked on again. */
export type Requeue =
  /** With the next event. */
  | { readonly when: 'event' }
  | { readonly when: 'after'; readonly milliseconds: number }
  /** By the work queue's back-off. */
  | { readonly when: 'backoff' }
  /** At once: the state has moved, and a new look at it is all that is needed. */
  | { readonly when: 'now' };

export interface Outcome {
  /** Empty: conditions stay as they are. */
  readonly conditions: readonly ConditionChange[];
  readonly event?: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };
  readonly requeue: Requeue;
  /** What metrics call it. */
  readonly result: 'success' | 'requeue_after' | 'requeue' | 'error';
  /** An error that no code has foreseen: to be logged with its stack. */
  readonly unexpected?: boolean;
}

export interface FailureContext {
  /** Takes secrets out of a text. */
  readonly sanitise: (text: string) => string;
  /** Reconciles of this key in a row that have ended in a conflict, this one not counted. */
  readonly conflicts?: number;
}

/** Conflicts in a row that are answered by an immediate new try; what comes after backs off like any failure. */
const MAX_IMMEDIATE_CONFLICTS = 5;
/** A message is shown in tables and stored with each object: what is longer belongs into a log. */
const MAX_MESSAGE = 1024;

/** Why a reconcile's signal fires when its controller is stopped: nothing has failed, so nothing is reported. */
export class StoppedError extends TransientError {
  constructor() {
    super('Stopped', 'the controller is being stopped');
  }
}

/** What follows from a reconcile that ended without an error; its conditions are its own. */
export function outcomeOfResult(result: ReconcileResult | undefined): Outcome {
  const milliseconds = result?.requeueAfterMs;
  if (milliseconds === undefined) return { conditions: [], requeue: { when: 'event' }, result: 'success' };
  return { conditions: [], requeue: { when: 'after', milliseconds }, result: 'requeue_after' };
}

/**
 * What an error that ends a reconcile asks for. A write to an object that was deleted meanwhile (the store's NotFound) is lost like
 * any other write to what has moved; the cache will show why.
 */
export function retryPolicy(error: unknown): RetryPolicy {
  if (!(error instanceof VerandaError)) return 'backoff';
  return error instanceof TerminalError && error.reason === 'NotFound' ? 'replan' : error.retry;
}

/**
 * What follows from a reconcile that threw: the one place that decides about conditions, event and next try.
 * - TerminalError: Stalled, waits for an event.
 * - MissingError: not Ready, Reconciling, waits for an event; nothing has failed.
 * - TransientError: not Ready, Reconciling, backs off.
 * - ConflictError, and the store's NotFound: a new try at once that nobody needs to see; after some in a row like a TransientError.
 * - StoppedError: nothing.
 * - Anything else: like a TransientError with reason InternalError, and to be logged with its stack.
 */
export function outcomeOfError(error: unknown, context: FailureContext): Outcome {
  if (error instanceof StoppedError) {
    return { conditions: [], requeue: { when: 'event' }, result: 'success' };
  }
  const conflicts = context.conflicts ?? 0;
  const policy = retryPolicy(error);
  if (policy === 'replan' && conflicts < MAX_IMMEDIATE_CONFLICTS) {
    return { conditions: [], requeue: { when: 'now' }, result: 'requeue' };
  }
  const reason = error instanceof VerandaError ? error.reason : 'InternalError';
  const message = shorten(context.sanitise(describeError(error)));
  if (error instanceof MissingError) {
    const event = { type: 'Normal', reason, message } as const;
    return { conditions: retryingConditions(reason, message), event, requeue: { when: 'event' }, result: 'success' };
  }
  const event = { type: 'Warning', reason, message } as const;
  if (policy === 'terminal') {
    return { conditions: stalledConditions(reason, message), event, requeue: { when: 'event' }, result: 'error' };
  }
  const conditions = retryingConditions(reason, message);
  const unexpected = !(error instanceof VerandaError);
  return { conditions, event, requeue: { when: 'backoff' }, result: 'error', unexpected };
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}
