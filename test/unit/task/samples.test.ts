import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isKrmPath, parseKrmFile } from '../../../src/krm/file.ts';
import { deleteIn, type KrmValue } from '../../../src/krm/value.ts';
import type { Package } from '../../../src/package/package.ts';
import { readPackageDirectory } from '../../../src/package/read-dir.ts';
import { TaskHandler } from '../../../src/task/handler.ts';
import { clone } from '../../../src/task/mutations/clone.ts';
import { withMergeKeys } from '../../../src/task/mutations/merge-keys.ts';
import { variantMutations } from '../../../src/task/variant.ts';
import { apply, applyTwice, contextOf, revisionOf, sourcesOf, targetOf } from './support.ts';

const shared = process.env.VERANDA_SHARED ?? join(import.meta.dirname, '../../../../shared');
const samples = join(shared, 'samples');
const roots = existsSync(samples) ? await packageRoots(samples) : [];
if (roots.length === 0) console.warn(`NO SAMPLE PACKAGES in ${samples}: the tests over real packages are passed over`);

/** Directories with a Kptfile and none above them. */
async function packageRoots(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true });
  const found = files
    .filter((path) => path === 'Kptfile' || path.endsWith('/Kptfile'))
    .map((path) => dirname(path))
    .sort();
  return found
    .filter((path) => !found.some((other) => path.startsWith(`${other}/`)))
    .map((path) => join(directory, path));
}

function commentsOf(pkg: Package): string[] {
  const comments: string[] = [];
  for (const [path, { bytes }] of pkg.entries()) {
    if (!isKrmPath(path)) continue;
    const lines = new TextDecoder().decode(bytes).split('\n');
    comments.push(
      ...lines
        .flatMap((line) => /(?:^|\s)(#.*)$/.exec(line)?.[1]?.trim() ?? [])
        .filter((text) => !text.startsWith('# kpt-merge:')),
    );
  }
  return comments.sort();
}

function dataOf(pkg: Package): KrmValue[] {
  return [...pkg.entries()].flatMap(([path, { bytes }]) => {
    if (!isKrmPath(path) || path === 'Kptfile') return [];
    return parseKrmFile(path, bytes).documents.map(({ value }) => deleteIn(value, ['metadata', 'annotations']));
  });
}

(roots.length === 0 ? describe.skip : describe)('real packages', () => {
  test.each(roots.map((root) => ({ root, name: relative(samples, root) })))(
    '$name is cloned as it is',
    async ({ root }) => {
      const signal = new AbortController().signal;
      const content = await readPackageDirectory(root, { signal });
      const upstream = revisionOf({ content });
      const context = contextOf({ sources: sourcesOf([upstream]) });
      const cloned = await applyTwice(clone({ upstreamRef: { name: upstream.name } }), content, context);
      expect(dataOf(cloned)).toEqual(dataOf(content));
      expect(commentsOf(cloned)).toEqual(commentsOf(content));
      expect(withMergeKeys(cloned).pkg).toBe(cloned);
    },
  );

  test.each(roots.map((root) => ({ root, name: relative(samples, root) })))(
    '$name bears a variant in a deployment repository',
    async ({ root }) => {
      const signal = new AbortController().signal;
      const upstream = revisionOf({ content: await readPackageDirectory(root, { signal }) });
      const context = contextOf({ sources: sourcesOf([upstream]), target: targetOf({ deployment: true }) });
      const content = {
        name: 'pv',
        packageContext: { data: { zone: 'a' } },
        pipeline: { mutators: [{ image: 'set-namespace' }] },
      };
      const mutations = variantMutations(content, async () => []);
      const task = { type: 'clone', clone: { upstreamRef: { name: upstream.name } } } as const;
      const made = (await new TaskHandler().applyTask(task, { mutations }, context)).pkg;
      for (const mutation of mutations) expect(await apply(mutation, made, context)).toBe(made);
      const kept = commentsOf(made);
      for (const comment of commentsOf(upstream.content)) expect(kept).toContain(comment);
    },
  );
});
