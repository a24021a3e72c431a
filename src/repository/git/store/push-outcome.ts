import { TransientError } from '../../../api/errors.ts';
import type { Oid, PushOutcome, RefMap, RefUpdate } from '../types.ts';
import { failureError } from './failure.ts';
import { type PushReport, parsePushReport, type RefReport, serverWords } from './push-report.ts';
import type { RemoteResult } from './remote.ts';
import type { RemoteUrl } from './remote-url.ts';

/**
 * Turns git's report of a push into one outcome per ref, as `outcomesOf`.
 * @throws TransientError PushAnswerLost or another reason when the report does not name every ref
 */
export async function pushOutcomes(
  updates: readonly RefUpdate[],
  result: RemoteResult,
  remote: RemoteUrl,
  relist: () => Promise<RefMap>,
): Promise<ReadonlyMap<string, PushOutcome>> {
  const refs = parsePushReport(result.stdout);
  if (updates.some(({ ref }) => (refs.get(ref)?.kind ?? 'unknown') === 'unknown')) {
    if (result.failure !== undefined && result.failure !== 'Other') {
      throw failureError(result.failure, remote, result.stderr);
    }
    throw new TransientError('PushAnswerLost', `what became of a push to ${remote.display} is not known`);
  }
  return outcomesOf(updates, { refs, words: serverWords(result.stderr) }, relist);
}

/**
 * One outcome for each update. Where the server refused, `relist` tells apart a ref that had moved from one that the server does
 * not let us change: never the server's words.
 */
export async function outcomesOf(
  updates: readonly RefUpdate[],
  { refs, words }: PushReport,
  relist: () => Promise<RefMap>,
): Promise<ReadonlyMap<string, PushOutcome>> {
  const reports = [...refs.values()];
  const current = needsListing(reports) ? await relist() : undefined;
  const culprit = reports.some(
    (report) => report.kind === 'unsettled' || (report.kind === 'settled' && !report.outcome.ok),
  );
  return new Map(
    updates.map((update) => [update.ref, outcomeOf(update, refs.get(update.ref), current, culprit, words)]),
  );
}

function needsListing(reports: readonly RefReport[]): boolean {
  if (reports.some(({ kind }) => kind === 'unsettled')) return true;
  const stale = reports.some((report) => report.kind === 'settled' && !report.outcome.ok);
  return !stale && reports.some(({ kind }) => kind === 'collateral');
}

function outcomeOf(
  update: RefUpdate,
  report: RefReport | undefined,
  current: RefMap | undefined,
  culprit: boolean,
  words: string,
): PushOutcome {
  if (report?.kind === 'settled') return report.outcome;
  if (current !== undefined && oidOf(current, update.ref) !== update.expected) {
    return { ok: false, stale: true, message: 'the ref moved while the push was under way' };
  }
  if (report?.kind === 'unsettled') {
    const message = [report.words, words].filter((part) => part !== '').join(': ');
    return { ok: false, stale: false, message: message === '' ? 'the server gave no reason' : message };
  }
  if (!culprit) return { ok: false, stale: false, message: words === '' ? 'the server refused the push' : words };
  return { ok: false, stale: false, collateral: true, message: 'another update of the same push failed' };
}

function oidOf(refs: RefMap, ref: string): Oid | null {
  return refs.get(ref) ?? null;
}
