import type { PackageRevision } from '../../api/kinds.ts';
import type { ConditionChange } from '../../kube/conditions.ts';

const PREFIX = 'config.injection.';

/** `Injected` is there, and False, while a point of the package that must be injected is not. */
export function injectedCondition({ spec, status }: PackageRevision): ConditionChange {
  const gates = new Set((spec.readinessGates ?? []).map((gate) => gate.conditionType));
  const missing = (status?.packageConditions ?? []).filter(
    ({ type, status: state }) => type.startsWith(PREFIX) && state !== 'True' && gates.has(type),
  );
  const [first] = missing;
  if (!first) return { type: 'Injected', status: 'absent' };
  const points = missing.map(({ type, message }) => `${type.slice(PREFIX.length)}${message ? ` (${message})` : ''}`);
  return {
    type: 'Injected',
    status: 'False',
    reason: first.reason ?? 'NotInjected',
    message: `required by the package and not injected: ${points.join(', ')}`,
  };
}
