import { isMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';

/** One condition of a selector such as `app=web,tier!=db,env in (a,b),owner`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'missing';
  readonly values: readonly string[];
}

const SET_BASED = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/;
const EQUALITY = /^([^\s!=]+)\s*(==|=|!=)\s*(\S*)$/;
const EXISTENCE = /^(!?)\s*([^\s!=]+)$/;

/**
 * Reads a Kubernetes label selector; '' has no conditions.
 * @param at field for the message
 * @throws FunctionFault
 */
export function parseLabelSelector(text: string, at: string): LabelRequirement[] {
  const parts = splitRequirements(text).map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => parseRequirement(part, at));
}

/** At the commas outside of parentheses. */
function splitRequirements(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (text[at] !== ',' || depth > 0) continue;
    parts.push(text.slice(start, at));
    start = at + 1;
  }
  return [...parts, text.slice(start)];
}

function parseRequirement(text: string, at: string): LabelRequirement {
  const [, setKey, setOperator, setValues] = SET_BASED.exec(text) ?? [];
  if (setKey !== undefined) {
    const values = (setValues ?? '').split(',').map((value) => value.trim());
    return { key: setKey, operator: setOperator === 'in' ? 'in' : 'notin', values };
  }
  const [, key, operator, value] = EQUALITY.exec(text) ?? [];
  if (key !== undefined) return { key, operator: operator === '!=' ? 'notin' : 'in', values: [value ?? ''] };
  const [, not, name] = EXISTENCE.exec(text) ?? [];
  if (name !== undefined) return { key: name, operator: not === '' ? 'exists' : 'missing', values: [] };
  throw new FunctionFault(`${at}: ${JSON.stringify(text)} is no selector`);
}

/** Whether labels or annotations fulfil all conditions. */
export function fulfils(labels: KrmValue | undefined, requirements: readonly LabelRequirement[]): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = isMap(labels) && Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (operator === 'exists') return value !== undefined;
    if (operator === 'missing') return value === undefined;
    return values.includes(String(value ?? '')) && value !== undefined ? operator === 'in' : operator === 'notin';
  });
}
