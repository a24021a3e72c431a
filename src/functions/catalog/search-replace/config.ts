import { RE2JS, RE2JSException } from 're2js';
import type { KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import { configData } from '../../function-config.ts';
import { globPattern } from './glob.ts';
import { type PathPattern, parsePathPattern } from './path-pattern.ts';

const KEYS: readonly string[] = ['by-value', 'by-file-path', 'by-value-regex', 'by-path', 'put-value', 'put-comment'];

export interface SearchReplaceConfig {
  /** The whole value. */
  readonly byValue?: string;
  /** Found anywhere in the value. */
  readonly byValueRegex?: RE2JS;
  readonly byPath?: PathPattern;
  readonly byFilePath?: RE2JS;
  readonly putValue?: string;
  readonly putComment?: string;
}

/** A ConfigMap; empty values count as absent. */
export function readSearchReplaceConfig(config: KrmMap | undefined): SearchReplaceConfig {
  const data = config === undefined ? {} : configData(config);
  const unknown = Object.keys(data).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw fault(
      `invalid matcher ${JSON.stringify(unknown)}, must be one of [${KEYS.map((key) => JSON.stringify(key)).join(' ')}]`,
    );
  }
  const part = (key: string) => data[key] || undefined;
  const [byValue, regex, path, files] = ['by-value', 'by-value-regex', 'by-path', 'by-file-path'].map(part);
  if (byValue !== undefined && regex !== undefined) {
    throw fault('only one of ["by-value", "by-value-regex"] can be provided');
  }
  return {
    byValue,
    byValueRegex: regex === undefined ? undefined : compile(regex),
    byPath: path === undefined ? undefined : parsePathPattern(path),
    byFilePath: files === undefined ? undefined : compile(globPattern(checkLength(files))),
    putValue: part('put-value'),
    putComment: part('put-comment'),
  };
}

const MAX_GLOB_LENGTH = 4096;

function checkLength(glob: string): string {
  if (glob.length <= MAX_GLOB_LENGTH) return glob;
  throw fault(`by-file-path has ${glob.length} characters; ${MAX_GLOB_LENGTH} are the limit`);
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) throw fault(error.message);
    throw error;
  }
}

export function fault(message: string): FunctionFault {
  return new FunctionFault(`failed to perform search-replace operation: ${JSON.stringify(message)}`);
}
