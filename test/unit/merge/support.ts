import { mergePackages } from '../../../src/merge/merge-packages.ts';
import type { MergeConflict, MergeOptions, MergeResult } from '../../../src/merge/types.ts';
import { Package } from '../../../src/package/package.ts';
import type { FileMode, PackageFile } from '../../../src/package/types.ts';

export type Files = { readonly [path: string]: string | Uint8Array };

export const KPTFILE = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: app
`;

export function file(content: string | Uint8Array, mode: FileMode = '100644'): PackageFile {
  return { bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content, mode };
}

export function packageOf(files: Files): Package {
  return Package.of(Object.entries(files).map(([path, content]) => [path, file(content)] as const));
}

export function textsOf(pkg: Package): { readonly [path: string]: string } {
  return Object.fromEntries([...pkg.entries()].map(([path, { bytes }]) => [path, new TextDecoder().decode(bytes)]));
}

export interface MergedTexts extends Omit<MergeResult, 'pkg'> {
  readonly files: { readonly [path: string]: string };
}

/** Merges packages of text files. */
export function mergeFiles(
  base: Files,
  local: Files,
  updated: Files,
  options: Partial<MergeOptions> = {},
): MergedTexts {
  const input = { base: packageOf(base), local: packageOf(local), updated: packageOf(updated) };
  const { pkg, ...rest } = mergePackages(input, { strategy: 'resource-merge', ...options });
  return { ...rest, files: textsOf(pkg) };
}

export interface MergedText {
  readonly text: string;
  readonly conflicts: readonly MergeConflict[];
}

/** Merges one file, beside a Kptfile that is the same on all sides. */
export function mergeText(
  base: string,
  local: string,
  updated: string,
  options: Partial<MergeOptions> = {},
): MergedText {
  const around = (text: string) => ({ Kptfile: KPTFILE, 'a.yaml': text });
  const { files, conflicts } = mergeFiles(around(base), around(local), around(updated), options);
  return { text: files['a.yaml'] ?? '', conflicts };
}

/** A Deployment whose pod has these lines under `spec`, indented by six. */
export function deployment(pod: string, more = ''): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
${more}  template:
    spec:
${pod.replaceAll(/^(?=.)/gm, '      ')}`;
}

export function configMap(data: { readonly [key: string]: string }, name = 'settings', more = ''): string {
  const lines = Object.entries(data).map(([key, value]) => `  ${key}: ${value}\n`);
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
${more}data:
${lines.join('')}`;
}
