import type { FunctionResult } from '../krm/resource-list.ts';

/** What of a step is kept for status; a package's Kptfile must stay readable whatever a function prints. */
export const MAX_STDERR_BYTES = 8 * 1024;
export const MAX_RESULTS = 200;
export const MAX_MESSAGE_BYTES = 4 * 1024;
/** Of a field's current or proposed value, as JSON. */
export const MAX_FIELD_VALUE_BYTES = 1024;
/** What all steps of a render may tell together. */
export const MAX_REPORT_BYTES = 256 * 1024;

/** At most `bytes` of UTF-8 from the start of `text`, cut between characters and marked as cut. */
export function boundText(text: string, bytes: number): string {
  if (text.length * 3 <= bytes) return text;
  const encoded = new TextEncoder().encode(text);
  if (encoded.length <= bytes) return text;
  const kept = new TextDecoder().decode(encoded.subarray(0, bytes), { stream: true });
  return `${kept}… (${encoded.length - bytes} more bytes)`;
}

/** The first results, with a note when there are more. Errors come first when not all fit. */
export function boundResults(results: readonly FunctionResult[]): readonly FunctionResult[] {
  const bounded = results.length <= MAX_RESULTS ? results : mostImportant(results);
  return bounded.map(boundResult);
}

function boundResult(result: FunctionResult): FunctionResult {
  const { field, message } = result;
  const bounded = { ...result, message: boundText(message, MAX_MESSAGE_BYTES) };
  if (field === undefined) return bounded;
  const { path, currentValue, proposedValue } = field;
  const kept = (value: typeof currentValue) => (sizeOf(value) > MAX_FIELD_VALUE_BYTES ? undefined : value);
  return { ...bounded, field: { path, currentValue: kept(currentValue), proposedValue: kept(proposedValue) } };
}

function mostImportant(results: readonly FunctionResult[]): FunctionResult[] {
  const errors = results.filter((result) => result.severity === 'error');
  const others = results.filter((result) => result.severity !== 'error');
  const kept = [...errors, ...others].slice(0, MAX_RESULTS);
  return [...kept, { message: `${results.length - MAX_RESULTS} more results are not shown`, severity: 'info' }];
}

/** What is left of the space that the steps of one render have for what they tell. */
export class ReportRoom {
  #left = MAX_REPORT_BYTES;

  stderr(text: string | undefined): string | undefined {
    if (!text) return undefined;
    const bounded = boundText(text, MAX_STDERR_BYTES);
    return this.#takes(bounded) ? bounded : undefined;
  }

  results(results: readonly FunctionResult[]): readonly FunctionResult[] {
    const bounded = boundResults(results);
    if (bounded.length === 0 || this.#takes(bounded)) return bounded;
    return [{ message: `${results.length} results are not shown: the steps before told too much`, severity: 'info' }];
  }

  #takes(value: unknown): boolean {
    const size = sizeOf(value);
    if (size > this.#left) return false;
    this.#left -= size;
    return true;
  }
}

function sizeOf(value: unknown): number {
  const json = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
  return json === undefined ? 0 : Buffer.byteLength(json);
}
