import type { GitStore } from '../../../src/repository/git/types.ts';

/** The methods of a store without its class, for tests that replace some of them. */
export function boundStore(store: GitStore): GitStore {
  return {
    url: store.url,
    listRemote: (options) => store.listRemote(options),
    fetch: (refs, options) => store.fetch(refs, options),
    has: (oid) => store.has(oid),
    readCommit: (oid) => store.readCommit(oid),
    readTree: (oid) => store.readTree(oid),
    readBlob: (oid) => store.readBlob(oid),
    writeBlob: (bytes) => store.writeBlob(bytes),
    writeTree: (entries) => store.writeTree(entries),
    writeCommit: (commit) => store.writeCommit(commit),
    push: (updates, options) => store.push(updates, options),
    close: () => store.close(),
  };
}
