import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import {
  ALICE,
  BOB,
  type Company,
  freshName,
  makeCompany,
  type Person,
  refusal,
  revision,
  stamped,
} from './support.ts';

const LIFECYCLES = ['Draft', 'Proposed', 'Published', 'DeletionProposed'] as const;
type Lifecycle = (typeof LIFECYCLES)[number];

const LEGAL = [
  'Draft Proposed',
  'Proposed Draft',
  'Proposed Published',
  'Published DeletionProposed',
  'DeletionProposed Published',
];
const MOVES = LIFECYCLES.flatMap((from) =>
  LIFECYCLES.filter((to) => to !== from).map((to) => ({ from, to, legal: LEGAL.includes(`${from} ${to}`) })),
);
const legalMoves = MOVES.filter(({ legal }) => legal);
const illegalMoves = MOVES.filter(({ legal }) => !legal);
const PROPOSED_BY = 'veranda.dev/proposed-by';
const APPROVED_BY = 'veranda.dev/approved-by';

/** Who proposed and who approved, as the object says it. */
function recordOf({ metadata: { annotations = {} } }: PackageRevision): object {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => [PROPOSED_BY, APPROVED_BY].includes(key)));
}

/** Who may move a revision from one state to another, and what is recorded of it. */
export function transitions(cluster: () => ControlPlane): void {
  let company: Company;

  beforeAll(async () => {
    company = await makeCompany(cluster());
  }, 120_000);

  afterAll(async () => {
    await company?.close();
  });

  /** Whatever a revision was found as, the operator may say so: this is how one gets to any state. */
  async function found(lifecycle: Lifecycle): Promise<PackageRevision> {
    return await company.operator.create(revision(freshName(), { lifecycle }));
  }

  function withLifecycle(object: PackageRevision, lifecycle: Lifecycle): PackageRevision {
    return { ...object, spec: { ...object.spec, lifecycle } };
  }

  const WAYS: {
    readonly [way: string]: (who: Person, object: PackageRevision, to: Lifecycle) => Promise<PackageRevision>;
  } = {
    'a plain PUT': (who, object, to) => who.put(withLifecycle(object, to)),
    'server-side apply': (who, { apiVersion, kind, metadata: { name }, spec }, to) =>
      who.serverSideApply(withLifecycle({ apiVersion, kind, metadata: { name }, spec }, to)),
  };

  describe.each(Object.keys(WAYS))('by %s', (way) => {
    const move = async (who: Person, object: PackageRevision, to: Lifecycle) => {
      const attempt = WAYS[way];
      if (attempt === undefined) throw new Error(`no way ${way}`);
      return await attempt(who, object, to);
    };

    test.each(legalMoves)('who may approve may move $from to $to', async ({ from, to }) => {
      const moved = await move(company.bob, await found(from), to);
      expect(moved.spec.lifecycle).toBe(to);
    });

    test.each(illegalMoves)('nobody may move $from to $to (7.7.104, 7.7.106)', async ({ from, to }) => {
      const object = await found(from);
      const operator = company.operator.merge('PackageRevision', object.metadata.name, { spec: { lifecycle: to } });
      for (const attempt of [move(company.admin, object, to), move(company.bob, object, to), operator]) {
        const { reason, message } = await refusal(attempt);
        expect(reason).toBe('Invalid');
        expect(message).toContain('the lifecycle moves Draft <-> Proposed -> Published <-> DeletionProposed only');
      }
      expect((await company.alice.get<PackageRevision>('PackageRevision', object.metadata.name)).spec.lifecycle).toBe(
        from,
      );
    });

    test('7.7.105 who may only edit moves everything but a proposal to Published', async () => {
      for (const { from, to } of legalMoves.filter((legal) => legal.from !== 'Proposed' || legal.to !== 'Published')) {
        expect((await move(company.alice, await found(from), to)).spec.lifecycle).toBe(to);
      }
      const proposed = await found('Proposed');
      const { reason, message } = await refusal(move(company.alice, proposed, 'Published'));
      expect(reason).toBe('Forbidden');
      expect(message).toContain('takes the right to update packagerevisions/approval');
      const kept = await company.alice.get<PackageRevision>('PackageRevision', proposed.metadata.name);
      expect(kept.spec.lifecycle).toBe('Proposed');
    });

    test('who proposed and who approved is stamped, and stays through later writes', async () => {
      const draft = await company.alice.create(revision(freshName()));
      const proposed = await move(company.alice, draft, 'Proposed');
      expect(recordOf(proposed)).toEqual(stamped(company, { [PROPOSED_BY]: ALICE }));
      const published = await move(company.bob, proposed, 'Published');
      expect(recordOf(published)).toEqual(stamped(company, { [PROPOSED_BY]: ALICE, [APPROVED_BY]: BOB }));
      const leaving = await move(company.alice, published, 'DeletionProposed');
      const back = await move(company.alice, leaving, 'Published');
      expect(recordOf(back)).toEqual(stamped(company, { [PROPOSED_BY]: ALICE, [APPROVED_BY]: BOB }));
    });
  });

  test('7.5.74, P-07 what is not rendered is not approved, but may be sent back', async () => {
    const { metadata } = await found('Proposed');
    const rendered = (status: string) => ({
      type: 'Rendered',
      status,
      reason: status === 'True' ? 'Rendered' : 'NotRendered',
      message: '',
      lastTransitionTime: new Date(0).toISOString(),
    });
    const approve = () => company.bob.merge('PackageRevision', metadata.name, { spec: { lifecycle: 'Published' } });
    await company.operator.mergeStatus('PackageRevision', metadata.name, { conditions: [rendered('False')] });
    const { reason, message } = await refusal(approve());
    expect(reason).toBe('Invalid');
    expect(message).toContain('spec.lifecycle: the package is not rendered');
    for (const lifecycle of ['Draft', 'Proposed']) {
      await company.alice.merge('PackageRevision', metadata.name, { spec: { lifecycle } });
    }
    await company.operator.mergeStatus('PackageRevision', metadata.name, { conditions: [rendered('True')] });
    await expect(approve()).resolves.toMatchObject({ spec: { lifecycle: 'Published' } });
  });

  test('7.5.75 what is put back names the version that it was made from, and the current one', async () => {
    const draft = await company.alice.create(revision(freshName()));
    const { resourceVersion: _version, ...nameless } = draft.metadata;
    const proposed = withLifecycle(draft, 'Proposed');
    const blind = await refusal(company.alice.put({ ...proposed, metadata: nameless }));
    expect(blind).toMatchObject({
      reason: 'Invalid',
      message: expect.stringContaining('must be specified for an update'),
    });
    await company.admin.merge('PackageRevision', draft.metadata.name, { metadata: { labels: { a: 'b' } } });
    const stale = await refusal(company.alice.put(proposed));
    expect(stale).toMatchObject({ reason: 'Conflict', message: expect.stringContaining('object has been modified') });
  });

  test('the operator, which carries out approval policies, is stamped under its own name', async () => {
    const proposed = await found('Proposed');
    const patch = { spec: { lifecycle: 'Published' } };
    const published = await company.operator.merge<PackageRevision>('PackageRevision', proposed.metadata.name, patch);
    const account = 'system:serviceaccount:veranda-system:veranda-controller';
    expect(recordOf(published)).toEqual(stamped(company, { [APPROVED_BY]: account }));
  });

  test.each(['Proposed', 'Published', 'DeletionProposed'] as const)(
    '7.1.14 nobody but the operator creates a revision as %s',
    async (lifecycle) => {
      for (const who of [company.admin, company.bob, company.alice]) {
        const { reason, message } = await refusal(who.create(revision(freshName(), { lifecycle })));
        expect(reason).toBe('Invalid');
        expect(message).toContain('spec.lifecycle: a package revision begins as Draft');
      }
      await expect(found(lifecycle)).resolves.toMatchObject({ spec: { lifecycle } });
    },
  );

  test('7.1.14 a lifecycle that does not exist is refused; an absent one is Draft', async () => {
    const { reason } = await refusal(company.alice.create(revision(freshName(), { lifecycle: 'Garbage' })));
    expect(reason).toBe('Invalid');
    const { spec, ...object } = revision(freshName());
    const { lifecycle: _lifecycle, ...rest } = spec;
    const draft = await company.alice.create<PackageRevision>({ ...object, spec: rest });
    expect(draft.spec.lifecycle).toBe('Draft');
  });

  describe('who proposed and who approved cannot be forged', () => {
    const forged: readonly [string, object][] = [
      ['another name', { [APPROVED_BY]: 'carol' }],
      ["one's own name without approving", { [APPROVED_BY]: BOB }],
      ["one's own name without proposing", { [PROPOSED_BY]: BOB }],
    ];

    test.each(forged)('on a revision that is created: %s', async (_what, annotations) => {
      const name = freshName();
      const object = revision(name, { metadata: { name: `shop.${name}.v1`, annotations } });
      const { reason, message } = await refusal(company.bob.create(object));
      expect(reason).toBe('Invalid');
      expect(message).toContain('who proposed and who approved is recorded by the cluster');
    });

    test.each(forged)('on one that is changed: %s', async (_what, annotations) => {
      for (const lifecycle of LIFECYCLES) {
        const { metadata } = await found(lifecycle);
        const { reason } = await refusal(
          company.bob.merge('PackageRevision', metadata.name, { metadata: { annotations } }),
        );
        expect(reason).toBe('Invalid');
      }
    });

    const approve = async (name: string) => {
      const { metadata } = await found('Proposed');
      const patch = { metadata: { annotations: { [APPROVED_BY]: name } }, spec: { lifecycle: 'Published' } };
      return await company.bob.merge<PackageRevision>('PackageRevision', metadata.name, patch);
    };

    test('another name in the request that approves gives way to the right one, or is refused where no one notes that', async () => {
      if (company.stamps) expect(recordOf(await approve('carol'))).toEqual({ [APPROVED_BY]: BOB });
      else expect((await refusal(approve('carol'))).reason).toBe('Invalid');
    });

    test('the other name of the two cannot ride along', async () => {
      const { metadata } = await found('Proposed');
      const patch = { metadata: { annotations: { [PROPOSED_BY]: 'carol' } }, spec: { lifecycle: 'Published' } };
      expect((await refusal(company.bob.merge('PackageRevision', metadata.name, patch))).reason).toBe('Invalid');
    });

    test('nor can the record be taken off', async () => {
      const { metadata } = await approve(BOB);
      const without = { metadata: { annotations: { [APPROVED_BY]: null } } };
      expect((await refusal(company.bob.merge('PackageRevision', metadata.name, without))).reason).toBe('Invalid');
    });
  });

  test('a right that names one revision counts for that one only', async () => {
    const [mine, other] = [await found('Proposed'), await found('Proposed')];
    const { admin, namespace } = company;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const rules = [
      {
        apiGroups: ['porch.kpt.dev'],
        resources: ['packagerevisions/approval'],
        resourceNames: [mine.metadata.name],
        verbs: ['update'],
      },
      { apiGroups: ['porch.kpt.dev'], resources: ['packagerevisions'], verbs: ['get', 'patch'] },
    ];
    const metadata = { name: 'one-approval' };
    await admin.client.json({ method: 'POST', path: `${rbac}/roles`, body: { metadata, rules } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'dora' }];
    await admin.client.json({ method: 'POST', path: `${rbac}/rolebindings`, body: { metadata, roleRef, subjects } });
    const dora = await company.as('dora');
    const publish = { spec: { lifecycle: 'Published' } };
    await expect(dora.merge('PackageRevision', mine.metadata.name, publish)).resolves.toMatchObject(publish);
    expect((await refusal(dora.merge('PackageRevision', other.metadata.name, publish))).reason).toBe('Forbidden');
  });
}
