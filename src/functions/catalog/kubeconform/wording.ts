import type { SchemaFault } from '../../../krm/schema/faults.ts';
import type { KrmPath, KrmValue } from '../../../krm/value.ts';

/** The text of a fault as kubeconform words it. */
export function describeFault(fault: SchemaFault): string {
  switch (fault.rule) {
    case 'type':
      return `got ${fault.got}, want ${fault.want.join(' or ')}`;
    case 'required':
      return `missing ${fault.missing.length === 1 ? 'property' : 'properties'} ${quoted(fault.missing)}`;
    case 'additionalProperties':
      return `additional properties ${quoted(fault.unknown)} not allowed`;
    case 'enum':
      return `value must be ${fault.allowed.length === 1 ? '' : 'one of '}${quoted(fault.allowed)}`;
    case 'pattern':
      return `${quoted([fault.value])} does not match pattern ${quoted([fault.pattern])}`;
    case 'format':
      return `${quoted([fault.value])} is not valid ${fault.format}`;
    case 'uniqueItems':
      return `items at ${fault.first} and ${fault.second} are equal`;
    case 'oneOf':
      if (fault.matched.length === 0) return 'oneOf failed, none matched';
      return `oneOf failed, subschemas ${fault.matched.join(', ')} matched`;
    case 'anyOf':
    case 'not':
      return `${fault.rule} failed`;
    default:
      return `${fault.rule}: got ${fault.got}, want ${fault.want}`;
  }
}

/** `spec.containers.0.image` */
export function fieldPath(path: KrmPath): string {
  return path.join('.');
}

function quoted(values: readonly KrmValue[]): string {
  return values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join(', ');
}
