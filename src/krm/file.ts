import { TerminalError } from '../api/errors.ts';
import { isMap, type KrmMap, type KrmValue } from './value.ts';

/** A fault in a file, with its place. Reading never throws for content. */
export interface Diagnostic {
  readonly code: 'syntax' | 'duplicateKey' | 'tooDeep' | 'tooLarge' | 'encoding';
  readonly message: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** One document of a file that holds data; comment-only and empty documents are kept by the file but are none. */
export interface KrmDocument {
  /** Number among the documents that hold data, from 0: the `index` annotation of the KRM function specification. */
  readonly index: number;
  /** This document's own text, without separators. */
  readonly source: string;
  /** 1-based line of the file at which the source starts. */
  readonly line: number;
  /** Plain data, read by the fast reader on first use. */
  readonly value: KrmValue;
}

/**
 * A YAML or JSON file of a package. `edit` is the only way to write: it returns the file with new data in some of its
 * documents and leaves every byte alone that need not change.
 */
export interface KrmFile {
  readonly path: string;
  readonly documents: readonly KrmDocument[];
  /** Empty when the file can be read and edited. */
  readonly problems: readonly Diagnostic[];
  /** The original bytes as long as nothing was edited. */
  readonly bytes: Uint8Array;
  /**
   * @param changes document index -> new value; null removes the document; an index past the end appends in order
   * @throws TerminalError reason InvalidYaml when the file has problems
   */
  edit(changes: ReadonlyMap<number, KrmValue | null>): KrmFile;
}

export function parseKrmFile(path: string, bytes: Uint8Array): KrmFile {
  throw new TerminalError('NotImplemented', `${path} ${bytes.length}`);
}

/** Edits one document on its own. `source` in, new text out, touching only what differs from `next`. */
export function editSource(source: string, next: KrmValue): string {
  throw new TerminalError('NotImplemented', `${source} ${String(next)}`);
}

/** Text of a new document in the house style (two spaces, lists not indented under their key, Go-safe quoting). */
export function stringifyKrm(value: KrmValue): string {
  throw new TerminalError('NotImplemented', String(value));
}

/** True for names that hold KRM by their name: `*.yaml`, `*.yml` and `Kptfile` (any folder). */
export function isKrmPath(path: string): boolean {
  return /(^|\/)Kptfile$|\.ya?ml$/.test(path);
}

/** apiVersion and kind are non-empty strings: a KRM resource. */
export function isResource(value: KrmValue | undefined): value is KrmMap {
  return (
    isMap(value) &&
    typeof value.apiVersion === 'string' &&
    typeof value.kind === 'string' &&
    value.apiVersion !== '' &&
    value.kind !== ''
  );
}
