/** Whether Node.js gave an error this code. Not by `instanceof`: what the built-in modules throw may be another realm's. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
