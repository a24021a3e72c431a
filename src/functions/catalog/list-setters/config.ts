/** Nothing is configured; a functionConfig is passed over. */
export function readNoConfig(): undefined {
  return undefined;
}
