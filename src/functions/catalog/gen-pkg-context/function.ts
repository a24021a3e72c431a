import { LOCAL_CONFIG_ANNOTATION } from '../../../krm/identity.ts';
import { getString, isMap, type KrmMap, setIn } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { fileOf } from '../../results.ts';
import type { FunctionItem } from '../../types.ts';
import { readNoConfig } from './config.ts';

const CONTEXT_FILE = 'package-context.yaml';
const CONTEXT_NAME = 'kptfile.kpt.dev';

/** Gives every package its context: a ConfigMap that says its name. Contexts elsewhere in the package are removed. */
export const genPkgContext = defineFunction({
  name: 'gen-pkg-context',
  versions: '>=0.1.0 <1.0.0',
  summary: 'Generates package-context.yaml, a ConfigMap with the name of the package.',
  readConfig: readNoConfig,
  transform(items, _config, results) {
    const kept = items.filter((item) => !isContext(item.value));
    const contexts = items.filter((item) => isContext(item.value));
    const generated = items.filter(isKptfile).map((kptfile) => {
      const context = contextOf(
        kptfile,
        contexts.find((item) => isContextFileOf(item, kptfile)),
      );
      results.add('info', 'generated package context', { file: fileOf(context) });
      return context;
    });
    return [...kept, ...generated];
  },
});

function isContext({ apiVersion, kind, metadata }: KrmMap): boolean {
  return apiVersion === 'v1' && kind === 'ConfigMap' && isMap(metadata) && metadata.name === CONTEXT_NAME;
}

function isKptfile({ value, path }: FunctionItem): boolean {
  return value.kind === 'Kptfile' && path === 'Kptfile';
}

function isContextFileOf(item: FunctionItem, kptfile: FunctionItem): boolean {
  return item.path === CONTEXT_FILE && item.packagePath === kptfile.packagePath;
}

/** The context that is there with the right name in it, or a new one. */
function contextOf(kptfile: FunctionItem, existing: FunctionItem | undefined): FunctionItem {
  const name = getString(kptfile.value, ['metadata', 'name']) ?? '';
  if (existing !== undefined) {
    const marked = setIn(existing.value, ['metadata', 'annotations', LOCAL_CONFIG_ANNOTATION], 'true');
    const value = setIn(marked, ['data', 'name'], name);
    return value === existing.value ? existing : { ...existing, value };
  }
  const metadata = { name: CONTEXT_NAME, annotations: { [LOCAL_CONFIG_ANNOTATION]: 'true' } };
  const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { name } };
  return { value, path: CONTEXT_FILE, index: 0, packagePath: kptfile.packagePath };
}
