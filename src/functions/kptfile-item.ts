import { apiGroup } from '../krm/identity.ts';
import { getString } from '../krm/value.ts';
import type { FunctionItem } from './types.ts';

/** Whether an item is the Kptfile of a package. */
export function isKptfileItem({ value, path }: FunctionItem): boolean {
  return (
    value.kind === 'Kptfile' && path === 'Kptfile' && apiGroup(getString(value, ['apiVersion']) ?? '') === 'kpt.dev'
  );
}
