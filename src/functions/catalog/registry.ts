import type { BuiltinFunction } from '../types.ts';
import { setNamespace } from './set-namespace/function.ts';

/** The functions that are built in, one folder each, by name. */
export const CATALOG: readonly BuiltinFunction[] = [setNamespace];
