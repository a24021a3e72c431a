/** Readiness gates that no condition of the package meets, each once, sorted. */
export function unmetGates(
  gates: readonly string[],
  conditions: readonly { readonly type: string; readonly status: string }[],
): string[] {
  const met = new Set(conditions.filter(({ status }) => status === 'True').map(({ type }) => type));
  return [...new Set(gates)].filter((gate) => !met.has(gate)).sort();
}
