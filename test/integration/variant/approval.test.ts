import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { condition } from '../operator/support.ts';
import { KPTFILE, VariantBench } from './support.ts';

const GATED = `${KPTFILE}info:\n  readinessGates:\n  - conditionType: reviewed\n`;

describe('every decision of an approval policy is an event of the variant, once', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open();
  });
  afterEach(() => place.close());

  const told = (reason: string) =>
    place.bench.events.filter((event) => event.reason === reason).map(({ message }) => message);
  const publishedTags = async () => [...(await place.deployments.refs()).keys()].filter((ref) => ref.includes('tags/'));

  test('that a draft is approved, and by which policy', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    const { metadata } = await place.only('shop');
    await place.look();
    expect(told('Approved')).toEqual([`${metadata.name}: approved by policy Always`]);
    expect(await publishedTags()).toEqual(['refs/tags/shop/v1']);
  });

  test.each<[string, object, string]>([
    ['a person', { policy: 'Manual' }, 'ApprovalManual'],
    ['objections', { policy: 'Always', delay: '1h' }, 'ApprovalDelay'],
    ['a gate that the variant asks for', { policy: 'WhenReady', requiredGates: ['scanned'] }, 'GatesUnmet'],
  ])('that it waits for %s', async (_what, approval, reason) => {
    const variant = await place.variant('shop', { approval });
    await place.look();
    expect(told(reason)).toHaveLength(1);
    expect(condition(variant, 'PendingApproval')).toMatchObject({ status: 'True', reason });
    expect(told('Approved')).toEqual([]);
    expect(await publishedTags()).toEqual([]);
  });

  test('that it waits for a gate of the package, and for a person from the second revision on', async () => {
    await place.variant('shop', { approval: { policy: 'Initial' } });
    await place.release({ Kptfile: GATED });
    await place.look();
    expect(told('Approved')).toHaveLength(1);
    expect(told('ApprovalInitialOnly')).toHaveLength(1);
    await place.variant('shop', { approval: { policy: 'Always' } });
    expect(told('GatesUnmet')).toEqual([expect.stringContaining('waits for readiness gates: reviewed')]);
    expect(await publishedTags()).toEqual(['refs/tags/shop/v1']);
  });
});
