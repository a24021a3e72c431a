import type { FunctionResult, ResultSeverity } from '../krm/resource-list.ts';
import type { FunctionItem } from './types.ts';

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

  add(
    severity: ResultSeverity,
    message: string,
    place: Pick<FunctionResult, 'field' | 'file' | 'resourceRef'> = {},
  ): void {
    this.list.push({ message, severity, ...place });
  }

  get failed(): boolean {
    return this.list.some((result) => result.severity === 'error');
  }
}

/** Where an item lies, as `file` of a result. */
export function fileOf(item: FunctionItem): FunctionResult['file'] {
  return { path: item.path, index: item.index };
}
