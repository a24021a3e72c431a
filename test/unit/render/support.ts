import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import { CATALOG } from '../../../src/functions/catalog/registry.ts';
import type { BuiltinFunction, FunctionInput, FunctionItem, FunctionOutput } from '../../../src/functions/types.ts';
import { Package } from '../../../src/package/package.ts';
import { createRenderer, type RendererOptions } from '../../../src/render/renderer.ts';
import type { RenderOutcome } from '../../../src/render/types.ts';

/** A package of text files. */
export function packageOf(files: { readonly [path: string]: string }): Package {
  const encoder = new TextEncoder();
  return Package.of(
    Object.entries(files).map(([path, text]) => [path, { bytes: encoder.encode(text), mode: '100644' }] as const),
  );
}

export function textOf(pkg: Package, path: string): string | undefined {
  const file = pkg.get(path);
  return file === undefined ? undefined : new TextDecoder().decode(file.bytes);
}

/** A function for tests, by its effect on the input. */
export function testFunction(name: string, effect: (input: FunctionInput) => Partial<FunctionOutput>): BuiltinFunction {
  return {
    name,
    versions: '>=0.0.0',
    summary: 'For tests.',
    run: (input) => ({ items: input.items, results: [], exitCode: 0, ...effect(input) }),
  };
}

/** Renders with the catalogue and further functions. */
export function render(
  pkg: Package,
  functions: readonly BuiltinFunction[] = [],
  options: Partial<RendererOptions> = {},
): Promise<RenderOutcome> {
  const runtime = createBuiltinRuntime({ functions: [...CATALOG, ...functions] });
  return createRenderer({ runtime, ...options }).render(pkg, { signal: new AbortController().signal });
}

export function kptfile(name: string, pipeline = '', metadata = ''): string {
  return `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n${metadata}${pipeline}`;
}

export function configMap(name: string, extra = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${extra}`;
}

export function names(items: readonly FunctionItem[]): string[] {
  return items.map(({ value }) => String((value.metadata as { readonly name?: string }).name));
}
