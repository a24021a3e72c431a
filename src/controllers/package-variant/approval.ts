import { unmetGates } from '../gates.ts';

/**
 * Approval policies: `spec.approval` of the variant, or Nephio's annotations `approval.nephio.org/policy` (initial, always) and
 * `approval.nephio.org/delay` (a duration such as 30s, counted from the revision's creation).
 */
export type ApprovalPolicy = 'Manual' | 'Initial' | 'Always' | 'WhenReady';

export interface ApprovalSettings {
  readonly policy: ApprovalPolicy;
  readonly delayMs: number;
  /** Condition types of the package that must be True beside its own readiness gates. */
  readonly requiredGates: readonly string[];
}

export interface ApprovalInput {
  readonly settings: ApprovalSettings;
  /** The object's Ready condition at its current generation. */
  readonly ready: boolean;
  readonly rendered: boolean;
  /** Readiness gates of the package. */
  readonly gates: readonly string[];
  readonly conditions: readonly { readonly type: string; readonly status: string }[];
  /** Any revision of the package was published before. */
  readonly publishedBefore: boolean;
  /** A person has sent it back: whoever wants it after all proposes it. */
  readonly rejected?: boolean;
  readonly createdAt: Date;
  readonly now: Date;
}

export type ApprovalDecision =
  | { readonly decision: 'approve'; readonly message: string }
  | { readonly decision: 'wait'; readonly reason: string; readonly message: string; readonly afterMs?: number };

/** Never approves before a successful render and met gates; every decision says why. */
export function decideApproval(input: ApprovalInput): ApprovalDecision {
  const { policy } = input.settings;
  if (input.rejected) return wait('Rejected', 'was rejected; it waits for somebody to propose it');
  if (policy === 'Manual') return wait('ApprovalManual', 'waits for somebody to propose and approve it');
  if (policy === 'Initial' && input.publishedBefore) {
    return wait(
      'ApprovalInitialOnly',
      'policy Initial approves the first revision only; this one waits for somebody to approve it',
    );
  }
  if (!input.rendered) return wait('NotRendered', 'waits for a successful render');
  const unmet = unmetGates([...input.gates, ...input.settings.requiredGates], input.conditions);
  if (unmet.length > 0) return wait('GatesUnmet', `waits for readiness gates: ${unmet.join(', ')}`);
  if (!input.ready) return wait('NotReady', 'waits for the package revision to be Ready');
  const dueIn = input.createdAt.getTime() + input.settings.delayMs - input.now.getTime();
  if (dueIn > 0) {
    // A time, not how long it takes: what is said must not change with every look.
    const due = new Date(input.now.getTime() + dueIn).toISOString().replace(/\.\d+Z$/, 'Z');
    return { ...wait('ApprovalDelay', `is approved by policy ${policy} at ${due}`), afterMs: dueIn };
  }
  return { decision: 'approve', message: `approved by policy ${policy}` };
}

function wait(
  reason: string,
  message: string,
): { readonly decision: 'wait'; readonly reason: string; readonly message: string } {
  return { decision: 'wait', reason, message };
}

/** A Go duration without sign (`1h30m`, `45s`, `250ms`), in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  let rest = text;
  let total = 0;
  while (rest !== '') {
    const part = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/.exec(rest);
    if (!part) return undefined;
    total += Number(part[1]) * (units[part[2] ?? ''] ?? 0);
    rest = rest.slice(part[0].length);
  }
  return text === '' ? undefined : total;
}
