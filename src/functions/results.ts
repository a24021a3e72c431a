import type { FunctionResult, ResultSeverity } from '../krm/resource-list.ts';
import { getString } from '../krm/value.ts';
import type { FunctionItem } from './types.ts';

type ResultPlace = Pick<FunctionResult, 'field' | 'file' | 'resourceRef'>;

/** Collects what a function tells about one run. */
export class Results {
  readonly list: FunctionResult[] = [];

  info(message: string): void {
    this.add('info', message);
  }

  warning(message: string): void {
    this.add('warning', message);
  }

  /** An error fails the step. */
  error(message: string): void {
    this.add('error', message);
  }

  add(severity: ResultSeverity, message: string, place: ResultPlace = {}): void {
    this.list.push({ message, severity, ...place });
  }

  /** A result without a severity, as some functions give them; it counts as info. */
  note(message: string, place: ResultPlace = {}): void {
    this.list.push({ message, ...place });
  }

  get failed(): boolean {
    return this.list.some((result) => result.severity === 'error');
  }
}

/** Where an item lies, as `file` of a result. */
export function fileOf(item: FunctionItem): FunctionResult['file'] {
  return { path: item.path, index: item.index };
}

/** Which resource an item is and where it lies, for a result. */
export function placeOf(item: FunctionItem): Pick<FunctionResult, 'file' | 'resourceRef'> {
  const part = (...path: string[]) => getString(item.value, path) || undefined;
  const resourceRef = {
    apiVersion: part('apiVersion'),
    kind: part('kind'),
    name: part('metadata', 'name'),
    namespace: part('metadata', 'namespace'),
  };
  return { resourceRef, file: fileOf(item) };
}
