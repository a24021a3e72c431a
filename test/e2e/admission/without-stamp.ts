import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { waitFor } from '../support/wait-for.ts';
import { ALICE, BOB, type Company, freshName, makeCompany, type Person, refusal, revision } from './support.ts';

const STAMP = join(import.meta.dirname, '../../../config/stamp');
const KIND = 'PackageRevision';
const PROPOSED_BY = 'veranda.dev/proposed-by';
const APPROVED_BY = 'veranda.dev/approved-by';

/** What holds where nothing stamps who proposed and who approved. To be the last on its cluster: the policy is taken away. */
export function withoutStamp(cluster: () => ControlPlane): void {
  let company: Company;

  const move = (who: Person, name: string, lifecycle: string, annotations?: object) =>
    who.merge<PackageRevision>(KIND, name, { spec: { lifecycle }, ...(annotations && { metadata: { annotations } }) });
  const draft = async () => (await company.alice.create(revision(freshName()))).metadata.name;

  beforeAll(async () => {
    company = await makeCompany(cluster());
    if (company.stamps) await kubectl(cluster().kubeconfig, ['delete', '-k', STAMP]);
    const name = await draft();
    const isUnstamped = async () => {
      const proposal = { spec: { lifecycle: 'Proposed' } };
      const { metadata } = await company.alice.merge<PackageRevision>(KIND, name, proposal, { dryRun: 'All' });
      return metadata.annotations?.[PROPOSED_BY] === undefined;
    };
    await waitFor(isUnstamped, { what: 'nothing is stamped any more', timeoutMs: 90_000 });
  }, 240_000);

  afterAll(async () => {
    await company?.close();
  });

  test('nobody is named, and all other rules hold', async () => {
    const name = await draft();
    expect((await move(company.alice, name, 'Proposed')).metadata.annotations ?? {}).not.toHaveProperty([PROPOSED_BY]);
    expect((await refusal(move(company.alice, name, 'Published'))).reason).toBe('Forbidden');
    expect((await move(company.bob, name, 'Published')).metadata.annotations ?? {}).not.toHaveProperty([APPROVED_BY]);
  });

  test('who proposes or approves may say so of themselves, and of nobody else', async () => {
    const name = await draft();
    expect((await refusal(move(company.alice, name, 'Proposed', { [PROPOSED_BY]: BOB }))).reason).toBe('Invalid');
    const proposed = await move(company.alice, name, 'Proposed', { [PROPOSED_BY]: ALICE });
    expect(proposed.metadata.annotations).toMatchObject({ [PROPOSED_BY]: ALICE });
    expect((await refusal(move(company.bob, name, 'Published', { [APPROVED_BY]: ALICE }))).reason).toBe('Invalid');
    const published = await move(company.bob, name, 'Published', { [APPROVED_BY]: BOB });
    expect(published.metadata.annotations).toMatchObject({ [PROPOSED_BY]: ALICE, [APPROVED_BY]: BOB });
  });
}
