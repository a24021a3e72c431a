import type { BuiltinFunction } from '../types.ts';
import { applyReplacements } from './apply-replacements/function.ts';
import { applySetters } from './apply-setters/function.ts';
import { createSetters } from './create-setters/function.ts';
import { deleteAnnotations } from './delete-annotations/function.ts';
import { ensureNameSubstring } from './ensure-name-substring/function.ts';
import { genPkgContext } from './gen-pkg-context/function.ts';
import { kubeconform } from './kubeconform/function.ts';
import { kubeval } from './kubeval/function.ts';
import { listSetters } from './list-setters/function.ts';
import { removeLocalConfigResources } from './remove-local-config-resources/function.ts';
import { searchReplace } from './search-replace/function.ts';
import { setAnnotations } from './set-annotations/function.ts';
import { setImage } from './set-image/function.ts';
import { setLabels } from './set-labels/function.ts';
import { setNamespace } from './set-namespace/function.ts';
import { setProjectId } from './set-project-id/function.ts';
import { StarlarkEngine } from './starlark/engine.ts';
import { createStarlark } from './starlark/function.ts';
import { upsertResource } from './upsert-resource/function.ts';

/** The functions that are built in, one folder each, by name. */
export const CATALOG: readonly BuiltinFunction[] = [
  applyReplacements,
  applySetters,
  createSetters,
  deleteAnnotations,
  ensureNameSubstring,
  genPkgContext,
  kubeconform,
  kubeval,
  listSetters,
  removeLocalConfigResources,
  searchReplace,
  setAnnotations,
  setImage,
  setLabels,
  setNamespace,
  setProjectId,
  // Its interpreter is compiled at the first script, once for each thread.
  createStarlark(new StarlarkEngine()),
  upsertResource,
];
