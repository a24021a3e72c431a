/**
 * Order of two resource versions of a kind: negative when `left` is older, 0 when they are the same, undefined when nothing
 * can be said. An API server promises (from Kubernetes 1.35 on in writing, before that in fact) that versions of one kind are decimal
 * numbers that grow; other forms are only ever compared for equality. The only place that compares versions for order.
 */
export function compareVersions(left: string, right: string): number | undefined {
  if (left === right) return 0;
  if (!isDecimal(left) || !isDecimal(right)) return undefined;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : 1;
}

function isDecimal(text: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(text);
}
