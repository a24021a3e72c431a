/**
 * Git's file modes that a package may hold: plain file, executable, symbolic link (bytes are the target), and a
 * submodule entry (bytes are the 40-hex commit id; carried, never read).
 */
export type FileMode = '100644' | '100755' | '120000' | '160000';

export interface PackageFile {
  readonly bytes: Uint8Array;
  readonly mode: FileMode;
}

/** A change to one path: new content, or `null` for removal. */
export type FileChange = readonly [path: string, file: PackageFile | null];
