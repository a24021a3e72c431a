import type { BuiltinFunction } from '../types.ts';
import { applyReplacements } from './apply-replacements/function.ts';
import { applySetters } from './apply-setters/function.ts';
import { genPkgContext } from './gen-pkg-context/function.ts';
import { setAnnotations } from './set-annotations/function.ts';
import { setLabels } from './set-labels/function.ts';
import { setNamespace } from './set-namespace/function.ts';
import { StarlarkEngine } from './starlark/engine.ts';
import { createStarlark } from './starlark/function.ts';

/** The functions that are built in, one folder each, by name. */
export const CATALOG: readonly BuiltinFunction[] = [
  applyReplacements,
  applySetters,
  genPkgContext,
  setAnnotations,
  setLabels,
  setNamespace,
  createStarlark(new StarlarkEngine()),
];
