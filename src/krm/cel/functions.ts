import {
  type CelFunc,
  type CelList,
  CelScalar,
  type CelValue,
  celFunc,
  celList,
  celMethod,
  isCelList,
  listType,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';

/** Called for every round of a macro; like the two below no name that can be written in an expression. */
export const ROUND = '@round';
/** Called with every argument of a function: work on texts and lists is in proportion to their length. */
export const WEIGH = '@weigh';
/** Called with the text and the pattern of `matches`; gives the pattern. */
export const PATTERN = '@pattern';

/** Characters or elements that are worked on for the price of one round. */
const UNITS_PER_ROUND = 64;

const { DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);

type Charge = (cost: number) => void;

/**
 * The strings extension, the counters that {@link metered} puts into an expression, and those functions whose answer can be
 * much larger than what they are given, which are charged for it before they make it.
 */
export function meteredFunctions(charge: Charge): CelFunc[] {
  const chargeUnits = (units: number) => charge(units / UNITS_PER_ROUND);
  return [
    ...strings,
    celFunc(ROUND, [DYN], DYN, (value) => {
      charge(1);
      return value;
    }),
    celFunc(WEIGH, [DYN], DYN, (value) => {
      chargeUnits(unitsOf(value));
      return value;
    }),
    celFunc(PATTERN, [DYN, DYN], DYN, (text, pattern) => {
      chargeUnits((unitsOf(text) * unitsOf(pattern)) / UNITS_PER_ROUND);
      return pattern;
    }),
    ...listFunctions(),
    ...textFunctions(chargeUnits),
  ];
}

/** A `+` for lists that does not nest: macros append their results one by one. Both sides are weighed already. */
function listFunctions(): CelFunc[] {
  const arrays = new WeakMap<CelList, readonly CelValue[]>();
  const toArray = (list: CelList) => arrays.get(list) ?? [...list];
  return [
    celFunc('_+_', [LIST, LIST], LIST, (a, b) => {
      const joined = toArray(a).concat(toArray(b));
      const list = celList(joined);
      arrays.set(list, joined);
      return list;
    }),
  ];
}

function textFunctions(chargeUnits: Charge): CelFunc[] {
  const replace = (text: string, old: string, next: string, limit: number) => {
    // Never more than this: an empty text is found before every character and at the end.
    const times = Math.min(limit, text.length + 1);
    chargeUnits((text.split(old, times + 1).length + 1) * next.length);
    return replaceTimes(text, old, next, times);
  };
  const join = (list: CelList, separator: string) => {
    const texts = [...list].map((item) => {
      if (typeof item !== 'string') throw new Error('join: the list holds something other than strings');
      return item;
    });
    chargeUnits(texts.length * separator.length);
    return texts.join(separator);
  };
  return [
    celMethod('replace', STRING, [STRING, STRING], STRING, function (old, next) {
      return replace(this, old, next, Number.MAX_SAFE_INTEGER);
    }),
    celMethod('replace', STRING, [STRING, STRING, INT], STRING, function (old, next, limit) {
      return replace(this, old, next, limit < 0n ? Number.MAX_SAFE_INTEGER : Number(limit));
    }),
    celMethod('join', LIST, [], STRING, function () {
      return join(this, '');
    }),
    celMethod('join', LIST, [STRING], STRING, function (separator) {
      return join(this, separator);
    }),
  ];
}

function replaceTimes(text: string, old: string, next: string, limit: number): string {
  let left = limit;
  return text.replaceAll(old, (found) => (left-- > 0 ? next : found));
}

function unitsOf(value: CelValue): number {
  if (typeof value === 'string') return value.length;
  if (!isCelList(value)) return 1;
  let units = value.size;
  for (const item of value) if (typeof item === 'string') units += item.length;
  return units;
}
