import { TerminalError } from '../api/errors.ts';
import { describeId, resourceId } from '../krm/identity.ts';
import { deleteIn, getIn, isMap, type KrmMap, type KrmPath, setIn, valuesEqual } from '../krm/value.ts';
import type { FunctionItem } from './types.ts';

const INTERNAL = 'internal.config.kubernetes.io/';

/** Annotations that functions know under two names; a change of either counts. */
const PATH = [`${INTERNAL}path`, 'config.kubernetes.io/path'] as const;
const INDEX = [`${INTERNAL}index`, 'config.kubernetes.io/index'] as const;
const ID = [`${INTERNAL}id`, 'config.k8s.io/id'] as const;
const PACKAGE_PATH = `${INTERNAL}package-path`;

const BOOKKEEPING: readonly string[] = [
  ...PATH,
  ...INDEX,
  ...ID,
  PACKAGE_PATH,
  `${INTERNAL}seqindent`,
  `${INTERNAL}annotations-migration-resource-id`,
  `${INTERNAL}kpt-resource-id`,
];

/**
 * Items as a function outside of this process (or a script) gets them: bookkeeping annotations tell where each lies and
 * which of the list it is.
 */
export function toWire(items: readonly FunctionItem[]): KrmMap[] {
  return items.map((item, at) => {
    const { path, index, packagePath } = item;
    const annotations: { [key: string]: string } = {};
    const add = (names: readonly string[], value: string | number | undefined) => {
      if (value !== undefined) for (const name of names) annotations[name] = String(value);
    };
    add(PATH, path);
    add(INDEX, index);
    add([PACKAGE_PATH], packagePath === undefined ? undefined : `/${packagePath}`);
    add(ID, at + 1);
    const before = getIn(item.value, ['metadata', 'annotations']);
    const all = { ...(isMap(before) ? before : {}), ...annotations };
    return setIn(item.value, ['metadata', 'annotations'], all);
  });
}

/**
 * Items that came back, without the bookkeeping. One that is as it was given is the same object.
 * @param given what `toWire` was called with
 * @throws TerminalError InvalidFunctionOutput for annotations that contradict each other or cannot be read
 */
export function fromWire(values: readonly KrmMap[], given: readonly FunctionItem[]): FunctionItem[] {
  return values.map((value) => {
    const id = Number(annotation(value, ID[0]) ?? annotation(value, ID[1]));
    return fromWireItem(value, Number.isInteger(id) ? given[id - 1] : undefined);
  });
}

function fromWireItem(wired: KrmMap, before: FunctionItem | undefined): FunctionItem {
  const path = twin(wired, PATH, before?.path);
  const indexText = twin(wired, INDEX, before?.index === undefined ? undefined : String(before.index));
  const index = indexText === undefined ? undefined : readIndex(wired, indexText);
  const packagePath = annotation(wired, PACKAGE_PATH)?.replace(/^\//, '') ?? before?.packagePath;
  const value = withoutBookkeeping(wired, before);
  if (before === undefined) return { value, path, index, packagePath };
  const same = valuesEqual(value, before.value);
  const stays = path === before.path && index === before.index && packagePath === before.packagePath;
  if (same && stays) return before;
  return { ...before, value: same ? before.value : value, path, index, packagePath };
}

/** The value of an annotation with two names: the one that was changed, where only one was. */
function twin(value: KrmMap, names: readonly [string, string], before: string | undefined): string | undefined {
  const [first, second] = names.map((name) => annotation(value, name));
  if (first === second || second === undefined) return first;
  if (first === undefined || first === before) return second;
  if (second === before) return first;
  const texts = `${names[0]}=${JSON.stringify(first)} and ${names[1]}=${JSON.stringify(second)}`;
  throw invalidOutput(`${describeId(resourceId(value))}: annotations contradict each other: ${texts}`);
}

function readIndex(value: KrmMap, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const id = describeId(resourceId(value));
  throw invalidOutput(`${id}: annotation ${INDEX[0]} must be a document number, not ${JSON.stringify(text)}`);
}

function annotation(value: KrmMap, name: string): string | undefined {
  const found = getIn(value, ['metadata', 'annotations', name]);
  return found === undefined || found === null || typeof found === 'object' ? undefined : String(found);
}

function withoutBookkeeping(wired: KrmMap, before: FunctionItem | undefined): KrmMap {
  const annotations = getIn(wired, ['metadata', 'annotations']);
  if (!isMap(annotations)) return wired;
  const kept = Object.entries(annotations).filter(([key]) => !BOOKKEEPING.includes(key));
  if (kept.length > 0) return setIn(wired, ['metadata', 'annotations'], Object.fromEntries(kept));
  return withoutEmpty(withoutEmpty(wired, ['metadata', 'annotations'], before), ['metadata'], before);
}

/** What was made to hold annotations is taken away again; an empty map that was there before is put back as it was. */
function withoutEmpty(value: KrmMap, path: KrmPath, before: FunctionItem | undefined): KrmMap {
  const current = getIn(value, path);
  const had = getIn(before?.value, path);
  const onlyBookkeeping = path.length > 1 || (isMap(current) && Object.keys(current).length === 0);
  if (!onlyBookkeeping) return value;
  const wasEmpty = had !== undefined && (!isMap(had) || Object.keys(had).length === 0);
  return wasEmpty ? setIn(value, path, had) : deleteIn(value, path);
}

function invalidOutput(message: string): TerminalError {
  return new TerminalError('InvalidFunctionOutput', message);
}
