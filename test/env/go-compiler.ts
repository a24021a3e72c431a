import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';

/**
 * Path of the Go command.
 * @throws Error that says how to install it
 */
export function goCompiler(): string {
  const folders = ['/usr/local/go/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const found = folders.map((folder) => `${folder}/go`).find(existsSync);
  if (found !== undefined) return found;
  throw new Error('go is missing: Go 1.26 or newer builds the programs of the tests (https://go.dev/doc/install)');
}
