import type { SchemaFault } from '../../../krm/schema/faults.ts';
import type { KrmPath, KrmValue } from '../../../krm/value.ts';

export interface WordedFault {
  readonly message: string;
  readonly path: KrmPath;
}

/** A fault as kubeval words it: one text for each field that is missing or too much, and the field is named. */
export function wordFault(fault: SchemaFault): WordedFault[] {
  const { path } = fault;
  const one = (message: string) => [{ message, path }];
  const name = String(path.at(-1) ?? '(root)');
  switch (fault.rule) {
    case 'type': {
      const want = [...fault.want.filter((type) => type !== 'null'), ...fault.want.filter((type) => type === 'null')];
      const expected = want.length === 1 ? want[0] : `[${want.join(',')}]`;
      return one(`Invalid type. Expected: ${expected}, given: ${fault.got}`);
    }
    case 'required':
      return fault.missing.map((field) => ({ message: `${field} is required`, path: [...path, field] }));
    case 'additionalProperties':
      return fault.unknown.map((field) => ({ message: `Additional property ${field} is not allowed`, path }));
    case 'enum':
      return one(`${name} must be one of the following: ${fault.allowed.map(json).join(', ')}`);
    case 'pattern':
      return one(`Does not match pattern '${fault.pattern}'`);
    case 'format':
      return one(`Does not match format '${fault.format}'`);
    case 'uniqueItems':
      return one(`array items[${fault.first},${fault.second}] must be unique`);
    case 'oneOf':
      return one('Must validate one and only one schema (oneOf)');
    case 'anyOf':
      return one('Must validate at least one schema (anyOf)');
    case 'not':
      return one('Must not validate the schema (not)');
    default:
      return one(`${fault.rule}: ${fault.want}, given: ${fault.got}`);
  }
}

function json(value: KrmValue): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
