/** What one file may hold. Real packages stay far below; the limits keep hostile input from taking the process down. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
export const MAX_DOCUMENTS = 20_000;
/** Nested collections. */
export const MAX_DEPTH = 100;
/** Nodes that aliases and merge keys may add to a document. */
export const MAX_ALIASED_NODES = 100_000;
