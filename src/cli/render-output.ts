import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TerminalError } from '../api/errors.ts';
import { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { writePackageDirectory } from '../package/write-dir.ts';
import { discoverPackages } from '../render/discovery.ts';
import type { RenderItem } from '../render/item.ts';
import { readItems } from '../render/read-items.ts';
import { encodeForPipe } from '../runtimes/wire-format.ts';
import type { CliContext } from './context.ts';

const STREAMS = ['stdout', 'unwrap'];

/**
 * A folder that is rendered into must be new.
 * @throws TerminalError FolderExists
 */
export async function checkOutputFolder(output: string, cwd: string): Promise<void> {
  if (STREAMS.includes(output)) return;
  const there = await lstat(resolve(cwd, output)).catch(() => undefined);
  if (there === undefined) return;
  const message = `directory ${JSON.stringify(output)} already exists, please delete the directory and retry`;
  throw new TerminalError('FolderExists', message);
}

/** Writes the resources of a rendered package to stdout, as a ResourceList or as documents, or into a new folder. */
export async function writeRendered(pkg: Package, output: string, context: CliContext): Promise<void> {
  const packages = discoverPackages(pkg);
  const { items, files } = readItems(pkg, packages);
  if (!STREAMS.includes(output)) {
    const { cwd, signal } = context;
    const kept = [...pkg.entries()].filter(([path]) => files.has(path));
    await writePackageDirectory(resolve(cwd, output), { before: Package.empty, after: Package.of(kept), signal });
    return;
  }
  const ordered = [...items.values()].flat().toSorted((a, b) => Number(isKptfile(a)) - Number(isKptfile(b)));
  if (output === 'stdout') context.stdout.write(encodeForPipe(ordered));
  else context.stdout.write(ordered.map((item) => ended(item.text())).join('---\n'));
}

function isKptfile(item: RenderItem): boolean {
  return item.path === KPTFILE;
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
