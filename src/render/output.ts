import { posix } from 'node:path';
import { TerminalError } from '../api/errors.ts';
import type { FunctionItem } from '../functions/types.ts';
import { editSource } from '../krm/file.ts';
import { describeId, resourceId } from '../krm/identity.ts';
import { checkPackagePath } from '../package/path.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { RenderPackages } from './discovery.ts';
import { describeItem, isRenderable, itemFile, itemText, type RenderItem } from './item.ts';

/** An item that a function returned, checked. What was generated may lack its place. */
export interface OutputItem extends Omit<RenderItem, 'path' | 'index' | 'text'> {
  readonly path?: string;
  readonly index?: number;
  readonly text?: () => string;
}

export interface OutputContext {
  readonly packages: RenderPackages;
  /** Directory of the package whose pipeline runs. */
  readonly packagePath: string;
  /** Makes the id of a generated item. */
  readonly nextId: () => number;
}

/** Resources that a function may return; a package has fewer. */
export const MAX_OUTPUT_ITEMS = 50_000;

/**
 * Checks what a function returned for the items it was given, and pairs the two by id. An item that came back as it
 * was is the same object.
 * @throws TerminalError BadOutput, PathEscapes, KptfileRemoved
 */
export function acceptOutput(
  given: readonly RenderItem[],
  output: readonly FunctionItem[],
  context: OutputContext,
): OutputItem[] {
  if (output.length > MAX_OUTPUT_ITEMS) {
    throw invalidOutput(`the function returned ${output.length} resources; ${MAX_OUTPUT_ITEMS} are the limit`);
  }
  const unseen = new Map(given.map((item) => [item.id, item]));
  const accepted = output.map((item) => {
    const before = item.id === undefined ? undefined : unseen.get(item.id);
    if (before !== undefined) unseen.delete(before.id);
    return acceptItem(item, before, context);
  });
  for (const item of unseen.values()) if (isKptfile(item)) throw kptfileRemoved(item);
  return accepted;
}

function acceptItem(item: FunctionItem, before: RenderItem | undefined, context: OutputContext): OutputItem {
  const { value } = item;
  if (!isRenderable(value)) {
    const what = item.path === undefined ? describeId(resourceId(value)) : item.path;
    throw invalidOutput(`${what}: a resource must have apiVersion, kind and metadata.name`);
  }
  const packagePath = acceptPackage(item.packagePath ?? before?.packagePath, value, context);
  const path = item.path === undefined ? before?.path : cleanPath(item.path);
  const index = item.index ?? before?.index;
  if (index !== undefined && (!Number.isInteger(index) || index < 0)) {
    throw invalidOutput(`${describeId(resourceId(value))}: index ${index} is no document number`);
  }
  if (before === undefined) {
    const base = item.text && ownText(value, item.text());
    return { value, packagePath, path, index, id: context.nextId(), base };
  }
  const moved = path !== before.path || index !== before.index || packagePath !== before.packagePath;
  if (isKptfile(before) && moved) throw kptfileRemoved(before);
  const base = newBase(item, before);
  if (value === before.value && base === before.base && !moved) return before;
  const { id, source } = before;
  return { value, packagePath, path, index, id, source, base, text: itemText(value, base) };
}

/** A text that differs from the one that the function was given is one with other comments. */
function newBase(item: FunctionItem, before: RenderItem): RenderItem['base'] {
  if (item.text === undefined || item.text === before.text) return before.base;
  const text = item.text();
  return text === before.text() ? before.base : ownText(item.value, text);
}

function ownText(value: RenderItem['value'], text: string): RenderItem['base'] {
  return { value, text: editSource(text, value) };
}

function acceptPackage(named: string | undefined, value: RenderItem['value'], context: OutputContext): string {
  const { packagePath: running, packages } = context;
  if (named === undefined || named === running) return running;
  const below = running === '' || named.startsWith(`${running}/`);
  if (below && packages.has(named)) return named;
  throw invalidOutput(`${describeId(resourceId(value))}: ${JSON.stringify(named)} is no package of this pipeline`);
}

/** Absolute paths are taken from the package's root; `..` must not lead out of it. */
function cleanPath(path: string): string {
  const relative = posix.normalize(path.replace(/^\/+/, ''));
  if (relative === '..' || relative.startsWith('../') || path.includes('\\')) {
    const message = `a function must not write outside of its package: path ${JSON.stringify(path)}`;
    throw new TerminalError('PathEscapes', message, { file: path });
  }
  if (relative === '.' || relative.endsWith('/')) throw invalidOutput(`path ${JSON.stringify(path)} is no file`);
  checkPackagePath(relative);
  return relative;
}

function isKptfile(item: RenderItem): boolean {
  return item.path === KPTFILE && item.index === 0;
}

function kptfileRemoved(item: RenderItem): TerminalError {
  const message = `a function must not remove or move a Kptfile: ${describeItem(item)}`;
  return new TerminalError('KptfileRemoved', message, { file: itemFile(item) });
}

function invalidOutput(message: string): TerminalError {
  return new TerminalError('BadOutput', message);
}
