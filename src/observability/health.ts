/** One thing that must be so. Undefined is well, a text says what is wrong. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => string | undefined;
}

export interface HealthReport {
  readonly healthy: boolean;
  /** `[+] name ok` or `[-] name: what is wrong`, one line a check. */
  readonly text: string;
}

/** Runs checks. They look at what is in memory and wait for nothing. */
export function runChecks(checks: readonly HealthCheck[]): HealthReport {
  const results = checks.map(({ name, check }) => ({ name, fault: check() }));
  const lines = results.map(({ name, fault }) => (fault === undefined ? `[+] ${name} ok` : `[-] ${name}: ${fault}`));
  return { healthy: results.every(({ fault }) => fault === undefined), text: `${lines.join('\n')}\n` };
}
