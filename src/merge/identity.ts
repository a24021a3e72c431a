import { lineComments } from '../krm/comments.ts';
import type { KrmDocument } from '../krm/file.ts';
import { idKey, parseUpstreamIdentifier, type ResourceId, resourceId } from '../krm/identity.ts';
import { getString } from '../krm/value.ts';

export const UPSTREAM_IDENTIFIER = 'internal.kpt.dev/upstream-identifier';
const MERGE_COMMENT = /^kpt-merge:\s*([^/\s]*)\/(\S*)$/;

/**
 * The identity that a resource has upstream: what its `kpt-merge` comment says, else its upstream identifier, else its
 * own. Group and kind are always its own, so that a copied marker never pairs resources of two kinds.
 */
export function upstreamId(document: KrmDocument): ResourceId {
  const own = resourceId(document.value);
  const said = commentedId(document.source);
  if (said) return { ...own, ...said };
  const identifier = getString(document.value, ['metadata', 'annotations', UPSTREAM_IDENTIFIER]);
  const marked = identifier === undefined ? undefined : parseUpstreamIdentifier(identifier);
  if (marked && marked.kind === own.kind) return { ...own, namespace: marked.namespace, name: marked.name };
  return own;
}

/** A namespace of `default` is none: markers write one where the resource has none. */
export function matchKey(id: ResourceId): string {
  return idKey({ ...id, namespace: id.namespace === 'default' ? '' : id.namespace });
}

function commentedId(source: string): Pick<ResourceId, 'namespace' | 'name'> | undefined {
  if (!source.includes('kpt-merge:')) return undefined;
  const comment = lineComments(source).find(({ path }) => path.length === 1 && path[0] === 'metadata');
  const said = comment && MERGE_COMMENT.exec(comment.text);
  return said ? { namespace: said[1] ?? '', name: said[2] ?? '' } : undefined;
}
