import { lineComments, setLineComments } from '../../krm/comments.ts';
import { isKrmPath, type KrmFile, parseKrmFile } from '../../krm/file.ts';
import { resourceId, upstreamIdentifier } from '../../krm/identity.ts';
import { getIn, isMap, type KrmMap, type KrmValue, setIn } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import type { FileChange } from '../../package/types.ts';

const IDENTIFIER = ['metadata', 'annotations', 'internal.kpt.dev/upstream-identifier'];
const COMMENT = /^kpt-merge:\s*([^/\s]*)\/(\S*)$/;

/**
 * Marks every resource with the identity that it has upstream, so that later upgrades recognise it after a rename: the
 * comment `# kpt-merge: <namespace>/<name>` on `metadata` and an annotation with the same. Existing comments stay, both
 * merge comments (which then say the identity) and an author's own (then the annotation alone says it). Files that
 * cannot be read stay as they are, each with a warning.
 */
export function withMergeKeys(pkg: Package): { readonly pkg: Package; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const changes: FileChange[] = [];
  for (const [path, { bytes, mode }] of pkg.entries()) {
    if (!isKrmPath(path) || mode === '120000' || mode === '160000') continue;
    const file = parseKrmFile(path, bytes);
    const [problem] = file.problems;
    if (problem) warnings.push(`${path}:${problem.line} cannot be read and got no merge keys: ${problem.message}`);
    else changes.push([path, { mode, bytes: markFile(file) }]);
  }
  return { pkg: pkg.edit(changes), warnings };
}

function markFile(file: KrmFile): Uint8Array {
  const annotations = new Map<number, KrmValue>();
  const comments = new Map<number, string>();
  for (const document of file.documents) {
    if (!isMergeable(document.value)) continue;
    const present = lineComments(document.source).find(({ path }) => path.length === 1 && path[0] === 'metadata');
    const said = present && COMMENT.exec(present.text);
    const own = resourceId(document.value);
    const id = said ? { ...own, namespace: said[1] ?? '', name: said[2] ?? '' } : own;
    if (!present) comments.set(document.index, `kpt-merge: ${id.namespace}/${id.name}`);
    const identifier = upstreamIdentifier({ ...id, namespace: id.namespace || 'default' });
    annotations.set(document.index, setIn(document.value, IDENTIFIER, identifier));
  }
  const annotated = file.edit(annotations);
  return comments.size === 0 ? annotated.bytes : withComments(annotated, comments);
}

function isMergeable(value: KrmValue): value is KrmMap {
  const metadata = getIn(value, ['metadata']);
  if (!isMap(value) || !isMap(metadata)) return false;
  const { annotations, labels } = metadata;
  if (annotations !== undefined && annotations !== null && !isMap(annotations)) return false;
  return Boolean(metadata.name) || Boolean(metadata.namespace) || (isMap(labels) && Object.keys(labels).length > 0);
}

/** Comments are no data, so they are put into the documents' text, in place. */
function withComments(file: KrmFile, comments: ReadonlyMap<number, string>): Uint8Array {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(file.bytes);
  const starts = lineStarts(text);
  const parts: string[] = [];
  let done = 0;
  for (const document of file.documents) {
    const comment = comments.get(document.index);
    if (comment === undefined) continue;
    const start = text.indexOf(document.source, starts[document.line - 1]);
    parts.push(text.slice(done, start), setLineComments(document.source, [{ path: ['metadata'], text: comment }]));
    done = start + document.source.length;
  }
  return new TextEncoder().encode(parts.join('') + text.slice(done));
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
