import type { FunctionResult } from '../krm/resource-list.ts';

/** What of a step is kept for status; a package's Kptfile must stay readable whatever a function prints. */
export const MAX_STDERR_BYTES = 8 * 1024;
export const MAX_RESULTS = 200;
export const MAX_MESSAGE_BYTES = 4 * 1024;

/** At most `bytes` of UTF-8 from the start of `text`, cut between characters and marked as cut. */
export function boundText(text: string, bytes: number): string {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length <= bytes) return text;
  const kept = new TextDecoder().decode(encoded.subarray(0, bytes), { stream: true });
  return `${kept}… (${encoded.length - bytes} more bytes)`;
}

/** The first results, with a note when there are more. Errors come first when not all fit. */
export function boundResults(results: readonly FunctionResult[]): readonly FunctionResult[] {
  const bounded = results.length <= MAX_RESULTS ? results : mostImportant(results);
  return bounded.map((result) => ({ ...result, message: boundText(result.message, MAX_MESSAGE_BYTES) }));
}

function mostImportant(results: readonly FunctionResult[]): FunctionResult[] {
  const errors = results.filter((result) => result.severity === 'error');
  const others = results.filter((result) => result.severity !== 'error');
  const kept = [...errors, ...others].slice(0, MAX_RESULTS);
  return [...kept, { message: `${results.length - MAX_RESULTS} more results are not shown`, severity: 'info' }];
}
