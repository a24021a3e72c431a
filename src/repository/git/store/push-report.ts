import type { PushOutcome } from '../types.ts';
import { cleanServerText } from './failure.ts';

/**
 * What a report of a push says of a ref. `unsettled`: the server refused it, and whether that is
 * because the ref had moved is for a new listing to tell.
 */
export type RefReport =
  | { readonly kind: 'settled'; readonly outcome: PushOutcome }
  | { readonly kind: 'unsettled'; readonly words: string }
  /** Not sent, or undone, because of another ref of the same atomic push. */
  | { readonly kind: 'collateral' }
  | { readonly kind: 'unknown' };

const LINE = /^([ +\-*=!])\t[^\t]*?:(refs\/[^\t]+)\t(.*)$/;
const REFUSAL = /^\[([a-z ]+)\](?: \((.*)\))?/;

export interface PushReport {
  readonly refs: ReadonlyMap<string, RefReport>;
  /** What the server wrote for people (hook output), as one line. */
  readonly words: string;
}

/** Report per ref. Refs that the output does not name are not in the map. */
export function parsePushReport(stdout: Buffer): ReadonlyMap<string, RefReport> {
  const reports = new Map<string, RefReport>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [, flag, ref, summary] = LINE.exec(line) ?? [];
    if (flag === undefined || ref === undefined || summary === undefined) continue;
    reports.set(ref, flag === '!' ? readRefusal(summary) : { kind: 'settled', outcome: { ok: true } });
  }
  return reports;
}

function readRefusal(summary: string): RefReport {
  const [, verdict, words = ''] = REFUSAL.exec(summary) ?? [];
  if (verdict === 'rejected') {
    if (words === 'atomic push failed') return { kind: 'collateral' };
    return { kind: 'settled', outcome: { ok: false, stale: true, message: 'the ref is not where it was expected' } };
  }
  if (verdict === 'remote rejected') return remoteRefusal(words);
  return { kind: 'unknown' };
}

export function remoteRefusal(words: string): RefReport {
  // What receive-pack writes for the refs it undid; the culprit carries another reason.
  if (/^atomic (?:push failure|transaction failed)$/.test(words)) return { kind: 'collateral' };
  return { kind: 'unsettled', words: cleanServerText(words) };
}

/** The lines that the server wrote for people (hook output), as one. */
export function serverWords(stderr: string): string {
  const lines = stderr.split('\n').flatMap((line) => {
    const words = /^remote: (.*)$/.exec(line)?.[1]?.trim();
    return words === undefined || words === '' ? [] : [words];
  });
  return cleanServerText(lines.join(' '));
}
