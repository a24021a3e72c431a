/** One thing that must be so. Undefined is well, a text says what is wrong. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => string | undefined;
  /** Is told, and fails nothing. */
  readonly isNote?: boolean;
}

export interface HealthReport {
  readonly healthy: boolean;
  /** `[+] name ok`, `[-] name: what is wrong` or `[~] name: what is to be known`, one line a check. */
  readonly text: string;
}

/** Runs checks. They look at what is in memory and wait for nothing. */
export function runChecks(checks: readonly HealthCheck[]): HealthReport {
  const results = checks.map(({ name, check, isNote = false }) => ({ name, isNote, fault: check() }));
  const lines = results.map(({ name, isNote, fault }) =>
    fault === undefined ? `[+] ${name} ok` : `[${isNote ? '~' : '-'}] ${name}: ${fault}`,
  );
  return {
    healthy: results.every(({ isNote, fault }) => isNote || fault === undefined),
    text: `${lines.join('\n')}\n`,
  };
}
