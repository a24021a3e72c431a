import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Repository } from '../../../../src/api/kinds.ts';
import { READ_ONLY_ANNOTATION } from '../../../../src/api/labels.ts';
import { overlapMessage, placeHolder } from '../../../../src/controllers/repository/claim.ts';
import { directoriesOverlap } from '../../../../src/repository/address.ts';
import { repositoryOf } from '../support.ts';

const repository = (name: string, directory: string, metadata: Partial<Repository['metadata']> = {}): Repository => {
  const object = repositoryOf(name);
  const git = { repo: 'https://git.example.com/all.git', directory };
  return { ...object, metadata: { ...object.metadata, ...metadata }, spec: { ...object.spec, git } };
};
const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });

const holders = (objects: readonly Repository[]) =>
  objects.map((object) => placeHolder(object, objects)?.metadata.name);

describe('who has a place in a remote (7.8.133, G-12)', () => {
  test('the one that was there first, whatever comes in between', () => {
    const [old, young] = [repository('z', 'apps', at(1)), repository('a', 'apps', at(2))];
    expect(holders([old, young])).toEqual([undefined, 'z']);
    expect(holders([young, old])).toEqual(['z', undefined]);
  });

  test('of two of one second it is decided by their names, equally from both sides', () => {
    const twins = [repository('b', '', at(1)), repository('a', '', at(1))];
    expect(holders(twins)).toEqual(['a', undefined]);
  });

  test('the root is in the way of all directories, directories apart are in nobody’s', () => {
    expect(holders([repository('root', '', at(1)), repository('apps', 'apps', at(2))])).toEqual([undefined, 'root']);
    expect(holders([repository('infra', 'infra', at(1)), repository('apps', 'apps', at(2))])).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('another branch is no other place, since refs of drafts and tags do not name it', () => {
    const main = repository('main', 'apps', at(1));
    const other = repository('next', 'apps', at(2));
    const branched = { ...other, spec: { ...other.spec, git: { repo: '', ...other.spec.git, branch: 'next' } } };
    expect(holders([main, branched])).toEqual([undefined, 'main']);
  });

  test('one that has no place itself is in nobody’s way', () => {
    const chain = [
      repository('apps', 'apps', at(1)),
      repository('root', '', at(2)),
      repository('infra', 'infra', at(3)),
    ];
    expect(holders(chain)).toEqual([undefined, 'apps', undefined]);
  });

  test('read-only ones, and one that is being deleted, hold nothing', () => {
    const readOnly = repository('reader', '', { ...at(1), annotations: { [READ_ONLY_ANNOTATION]: 'true' } });
    const leaving = repository('leaving', '', { ...at(2), deletionTimestamp: '2026-01-01T00:00:05Z' });
    const writer = repository('writer', '', at(3));
    expect(placeHolder(writer, [readOnly, leaving, writer])).toBeUndefined();
    expect(placeHolder(readOnly, [readOnly, leaving, writer])).toBeUndefined();
  });

  test('whoever has a place overlaps nobody else who has one; whoever has none overlaps one who has', () => {
    const directories = fc.array(fc.constantFrom('', 'a', 'a/b', 'a/b/c', 'b', 'b/c'), { maxLength: 8 });
    fc.assert(
      fc.property(directories, (all) => {
        const objects = all.map((directory, index) => repository(`r${index}`, directory, at(index)));
        const having = objects.filter((object) => !placeHolder(object, objects));
        for (const object of objects) {
          const overlapping = having.filter(
            (other) =>
              other !== object && directoriesOverlap(other.spec.git?.directory ?? '', object.spec.git?.directory ?? ''),
          );
          expect(overlapping.length > 0).toBe(!having.includes(object));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('the message names the other one and what can be done', () => {
    expect(overlapMessage(repository('shop', 'apps'))).toMatch(/default\/shop writes to directory apps .*read-only/);
  });
});
