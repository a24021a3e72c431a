import { TerminalError } from '../api/errors.ts';
import { type Diagnostic, isKrmPath, isResource, type KrmFile, parseKrmFile } from '../krm/file.ts';
import type { KrmValue } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import type { RenderPackage, RenderPackages } from './discovery.ts';
import { isRenderable, itemText, type RenderItem } from './item.ts';

/** What a package tree holds for functions. */
export interface PackageItems {
  /** Items of each package by its directory, in file and document order. */
  readonly items: ReadonlyMap<string, readonly RenderItem[]>;
  /** The files that items were looked for in, by path relative to the root package. */
  readonly files: ReadonlyMap<string, KrmFile>;
  /** `<file>` -> numbers of its documents that are no items and stay as they are. */
  readonly untouched: ReadonlyMap<string, readonly number[]>;
  readonly warnings: readonly string[];
  /** The first id that no item has. */
  readonly nextId: number;
}

/**
 * Reads the resources of all packages of a tree. Items are documents of `*.yaml`, `*.yml`, `*.json` and `Kptfile` that
 * have apiVersion, kind and a name. Everything else passes a render untouched: documents without these, links,
 * ignored files, and files that cannot be read as YAML. Only a file that is meant as KRM (`apiVersion:` and `kind:` at
 * the start of a line, no `{{` as in a chart's template) and that some pipeline would see must be readable.
 * @throws TerminalError InvalidYaml with file and line
 */
export function readItems(pkg: Package, packages: RenderPackages): PackageItems {
  const reader = new ItemReader(pkg);
  for (const owner of packages.values()) reader.read(owner);
  return reader;
}

class ItemReader implements PackageItems {
  readonly #pkg: Package;
  readonly items = new Map<string, readonly RenderItem[]>();
  readonly files = new Map<string, KrmFile>();
  readonly untouched = new Map<string, number[]>();
  readonly warnings: string[] = [];
  nextId = 1;

  constructor(pkg: Package) {
    this.#pkg = pkg;
  }

  read(owner: RenderPackage): void {
    this.items.set(
      owner.directory,
      owner.files.filter(mayHoldItems).flatMap((path) => this.#readFile(path, owner)),
    );
  }

  #readFile(path: string, owner: RenderPackage): RenderItem[] {
    const file = this.#pkg.get(path);
    if (file === undefined || file.mode === '120000' || file.mode === '160000') return [];
    const krmFile = parseKrmFile(path, file.bytes);
    const [problem] = krmFile.problems;
    if (problem !== undefined) {
      this.#unreadable(path, file.bytes, problem, owner);
      return [];
    }
    this.files.set(path, krmFile);
    return krmFile.documents.flatMap((document) => {
      const { value, index, source: text } = document;
      if (!isRenderable(value)) {
        this.#passOver(path, index, value);
        return [];
      }
      const source = { file: path, document: index, value, text };
      const packagePath = owner.directory;
      const relative = packagePath === '' ? path : path.slice(packagePath.length + 1);
      const [id, itsText] = [this.nextId++, itemText(value, source)];
      return [{ value, path: relative, index, packagePath, id, text: itsText, source, base: source }];
    });
  }

  #passOver(path: string, index: number, value: KrmValue): void {
    const untouched = this.untouched.get(path) ?? [];
    this.untouched.set(path, [...untouched, index]);
    if (path.endsWith('.json') || isKustomization(path)) return;
    const missing = isResource(value) ? 'metadata.name' : 'apiVersion and kind';
    this.warnings.push(`${path}: document ${index} has no ${missing}; functions do not see it and it stays as it is`);
  }

  #unreadable(path: string, bytes: Uint8Array, problem: Diagnostic, owner: RenderPackage): void {
    const { line, column, message } = problem;
    if (owner.seenByFunctions && isMeantAsKrm(bytes)) {
      throw new TerminalError('InvalidYaml', message, { file: path, line, column });
    }
    if (path.endsWith('.json')) return;
    this.warnings.push(`${path}:${line}: ${message}; functions do not see the file and it stays as it is`);
  }
}

function mayHoldItems(path: string): boolean {
  return isKrmPath(path) || path.endsWith('.json');
}

function isKustomization(path: string): boolean {
  return /(^|\/)(kustomization\.ya?ml|Kustomization)$/.test(path);
}

function isMeantAsKrm(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  return /^apiVersion:/m.test(text) && /^kind:/m.test(text) && !text.includes('{{');
}
