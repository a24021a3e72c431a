import type { LabelRequirement, LabelSelector } from '../../api/generated/package-variant-set.ts';

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether labels meet all that a selector asks for; an empty selector asks for nothing. */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((requirement) => meets(requirement, labelOf(labels, requirement.key)))
  );
}

/** As Kubernetes has it, an absent label is not in any list of values. */
function meets({ operator, values = [] }: LabelRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function labelOf(labels: Labels, key: string): string | undefined {
  return labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
}
