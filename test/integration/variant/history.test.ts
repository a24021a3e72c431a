import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VariantBench } from './support.ts';

const published = (region: string, more: object = {}) => ({
  packageContext: { data: { region } },
  approval: { policy: 'Always' },
  ...more,
});

describe('revisionHistoryLimit', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open();
    for (const region of ['a', 'b', 'c', 'd']) await place.variant('shop', published(region));
  });
  afterEach(() => place.close());

  const numbers = async () => (await place.revisions('shop')).map(({ status }) => status?.revision);
  const tags = async () => [...(await place.deployments.refs()).keys()].filter((ref) => ref.includes('tags/shop/'));

  test('without it all revisions stay', async () => {
    expect(await numbers()).toEqual([1, 2, 3, 4]);
    expect(await tags()).toHaveLength(4);
  });

  test('keeps as many of the newest; the others are proposed for deletion and deleted, each told by events', async () => {
    await place.variant('shop', published('d', { revisionHistoryLimit: 2 }));
    expect(await numbers()).toEqual([3, 4]);
    expect(await tags()).toHaveLength(2);
    expect(place.reasons().filter((reason) => reason === 'HistoryDeletionProposed')).toHaveLength(2);
    expect(place.reasons().filter((reason) => reason === 'HistoryDeleted')).toHaveLength(2);
    expect(place.get('shop').status?.phase).toBe('Published');
  });

  test('leaves what others were made from', async () => {
    const [first] = await place.revisions('shop');
    const source = { cloneFrom: { upstreamRef: { name: first?.metadata.name } } };
    await place.bench.revision({ repository: 'deployments', packageName: 'copy', workspaceName: 'v1', source });
    await place.bench.settle();
    await place.variant('shop', published('d', { revisionHistoryLimit: 1 }));
    expect(await numbers()).toEqual([1, 4]);
  });

  test('leaves what a person has a say about: his own revisions, and those that he proposed for deletion', async () => {
    const [, , , latest] = await place.revisions('shop');
    const source = { copyFrom: { name: latest?.metadata.name } };
    const spec = { repository: 'deployments', packageName: 'shop', workspaceName: 'by-hand', source };
    const name = await place.bench.revision(spec);
    await place.bench.settle();
    await place.publish(name);
    const [first] = await place.revisions('shop');
    await place.bench.change(first?.metadata.name ?? '', { lifecycle: 'DeletionProposed' });
    await place.variant('shop', published('e', { revisionHistoryLimit: 1 }));
    expect(await numbers()).toEqual([1, 5, 6]);
  });
});
