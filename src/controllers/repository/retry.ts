import { VerandaError } from '../../api/errors.ts';
import { retryPolicy } from '../../kube/result.ts';
import { DEFAULT_SYNC_MS } from './schedule.ts';

/** How a repository that could not be read is tried again. */
export interface NextLook {
  /** By the back-off of the work queue, which begins within milliseconds; else at `afterMs` only. */
  readonly throws: boolean;
  /** Longest wait; absent where the back-off is all there is. */
  readonly afterMs?: number;
}

/** A remote that is back is found within this time, however long it was away. */
const AWAY_MS = 30_000;

/**
 * What somebody has to act on: many quick tries would only lock an account or fill a log. A change of the Repository or of its
 * Secret is a try at once in any case.
 */
const ACTED_ON: ReadonlyMap<string, number> = new Map([
  ['AuthFailed', 300_000],
  ['HostKeyMismatch', 300_000],
  ['TLSVerify', 300_000],
  ['SecretForbidden', AWAY_MS],
  ['SecretNotFound', AWAY_MS],
  ['InvalidSecret', AWAY_MS],
  ['BranchNotFound', 120_000],
  ['NotFound', 120_000],
]);

/** By the error's reason and kind, never by its text. What only a change can help may be changed in git, which tells nobody. */
export function nextLook(error: unknown): NextLook {
  const policy = retryPolicy(error);
  const acted = error instanceof VerandaError ? ACTED_ON.get(error.reason) : undefined;
  if (acted !== undefined && policy !== 'replan') return { throws: false, afterMs: acted };
  if (policy === 'replan') return { throws: true };
  return { throws: true, afterMs: policy === 'terminal' ? DEFAULT_SYNC_MS : AWAY_MS };
}
