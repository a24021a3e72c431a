import type { FunctionSpec } from '../../krm/function-spec.ts';
import { deleteIn, getIn, isList, isMap, type KrmMap, type KrmValue, setIn } from '../../krm/value.ts';
import { editRootKptfile } from '../root-kptfile.ts';
import type { Mutation } from '../types.ts';

export interface VariantPipeline {
  readonly mutators?: readonly FunctionSpec[];
  readonly validators?: readonly FunctionSpec[];
}

const LISTS = ['mutators', 'validators'] as const;
const OWNER_PREFIX = 'PackageVariant';

/**
 * Puts a variant's functions in front of those of the package. The functions that an earlier run put there are known by
 * their names and go away with their spec; those of other variants stay.
 */
export function pipeline(variant: string, wanted: VariantPipeline = {}): Mutation {
  return {
    name: 'pipeline',
    async apply(_context, pkg) {
      return { pkg: editRootKptfile(pkg, (kptfile) => withFunctions(kptfile, variant, wanted)), result: {} };
    },
  };
}

/** `PackageVariant.<variant>.<function>.<index>`; dots inside the names become underscores, which no variant's name holds. */
export function functionName(functionName: string, variant: string, index: number): string {
  return [OWNER_PREFIX, withoutDots(variant), withoutDots(functionName), index].join('.');
}

export function isFunctionOf(variant: string, entry: KrmValue): boolean {
  const name = isMap(entry) ? entry.name : undefined;
  if (typeof name !== 'string') return false;
  const parts = name.split('.');
  const [prefix, owner, , index] = parts;
  return (
    parts.length === 4 && prefix === OWNER_PREFIX && owner === withoutDots(variant) && /^[+-]?\d+$/.test(index ?? '')
  );
}

function withFunctions(kptfile: KrmMap, variant: string, wanted: VariantPipeline): KrmMap {
  let next = kptfile;
  for (const list of LISTS) {
    const present = getIn(kptfile, ['pipeline', list]);
    const foreign = isList(present) ? present.filter((entry) => !isFunctionOf(variant, entry)) : [];
    const own = (wanted[list] ?? []).map((spec, index) =>
      withName(spec, functionName(spec.name ?? '', variant, index)),
    );
    const entries = [...own, ...foreign];
    if (entries.length > 0) next = setIn(next, ['pipeline', list], entries);
    else if (isList(present) && present.length > 0) next = deleteIn(next, ['pipeline', list]);
  }
  const left = getIn(next, ['pipeline']);
  return next !== kptfile && isMap(left) && Object.keys(left).length === 0 ? deleteIn(next, ['pipeline']) : next;
}

/** The name comes first; everything else is copied as it is. */
function withName(spec: FunctionSpec, name: string): KrmMap {
  return JSON.parse(JSON.stringify(Object.assign({ name }, spec, { name })));
}

function withoutDots(name: string): string {
  return name.replaceAll('.', '_');
}
