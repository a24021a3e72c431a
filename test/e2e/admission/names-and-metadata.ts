import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { type Company, configMap, freshName, makeCompany, refusal, revision, variant } from './support.ts';

const LATEST_LABELS = ['kpt.dev/latest-revision', 'porch.kpt.dev/latest-revision'];
const FROZEN = 'source, packageMetadata and readinessGates can be changed while the package revision is a Draft';

const OBJECT_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What revisions are called, and what of them may change when. */
export function namesAndMetadata(cluster: () => ControlPlane): void {
  let company: Company;

  beforeAll(async () => {
    company = await makeCompany(cluster());
  }, 120_000);

  afterAll(async () => {
    await company?.close();
  });

  describe('names', () => {
    test('a revision is called repository.package.workspace, slashes as dots', async () => {
      const object = revision('networks/core/upf');
      expect(object.metadata.name).toBe('shop.networks.core.upf.v1');
      await expect(company.alice.create(object)).resolves.toMatchObject({ spec: { packageName: 'networks/core/upf' } });
    });

    test.each(['web', 'shop.web.v2', 'shop.web', 'web.shop.v1'])(
      '7.1.17 and not %s; the answer says how',
      async (name) => {
        for (const who of [company.alice, company.admin]) {
          const { reason, message } = await refusal(who.create(revision('web', { metadata: { name } })));
          expect(reason).toBe('Invalid');
          expect(message).toContain(
            'metadata.name must be shop.web.v1 (repository, package path with dots, workspace)',
          );
        }
      },
    );

    test('P-01, 7.3.46 the same package and workspace cannot be created twice, from whatever source', async () => {
      const name = freshName();
      await company.alice.create(revision(name));
      for (const source of [{ init: {} }, { copyFrom: { name: `shop.${name}.v0` } }]) {
        expect((await refusal(company.bob.create(revision(name, { source })))).reason).toBe('AlreadyExists');
      }
    });

    test('what the operator finds in git has the names that it has there', async () => {
      const spec = { workspaceName: 'v1.2', packageName: 'Legacy_App' };
      await expect(
        company.operator.create(revision('legacy', { lifecycle: 'Published', spec })),
      ).resolves.toMatchObject({
        spec,
      });
    });

    const BAD = [
      'a~',
      'a..b',
      'a b',
      '.a',
      'a.lock',
      'ä',
      'A',
      '-a',
      'a-',
      'a//b',
      '/a',
      'a/',
      'a/../b',
      '.git',
      'x'.repeat(64),
    ];
    test.each(BAD)(
      'P-10 the package name %p is refused with its rule, and so is a variant that would make it',
      async (bad) => {
        const spec = { packageName: bad };
        const composed = `shop.${bad.replaceAll('/', '.')}.v1`;
        const metadata = { name: OBJECT_NAME.test(composed) ? composed : 'shop.other.v1' };
        const { reason, message } = await refusal(company.alice.create(revision('other', { metadata, spec })));
        expect(reason).toBe('Invalid');
        expect(message).toMatch(/spec\.packageName.*(must be a DNS label|must be a relative path)/s);
        const asVariant = await refusal(company.alice.create(variant(freshName(), { package: bad })));
        expect(asVariant.reason).toBe('Invalid');
        expect(asVariant.message).toMatch(/spec\.downstream\.package.*(must be a DNS label|must be a relative path)/s);
      },
    );

    test.each(['A', 'v 1', 'v~1', 'v1.lock', 'v1.0', 'V1', '-v', 'x'.repeat(64), ''])(
      '7.1.9, P-10 the workspace %p is refused',
      async (workspaceName) => {
        const metadata = { name: `shop.web.${workspaceName.toLowerCase().replaceAll(/[^a-z0-9.]/g, '')}x` };
        const attempt = company.alice.create(revision('web', { metadata, spec: { workspaceName } }));
        const { reason, message } = await refusal(attempt);
        expect(reason).toBe('Invalid');
        expect(message).toMatch(/spec\.workspaceName.*(must be a DNS label|should be at least 1 chars)/s);
      },
    );

    test.each(['Foo_1', '', 'x'.repeat(64), '-x', 'x-', 'a//b'])(
      '7.1.8 the package %p is refused',
      async (packageName) => {
        const { reason, message } = await refusal(company.alice.create(revision('web', { spec: { packageName } })));
        expect(reason).toBe('Invalid');
        expect(message).toContain('spec.packageName');
      },
    );

    test('7.1.10 a path may be long, but not so long that the name of the object is too long', async () => {
      const part = 'x'.repeat(63);
      const long = (parts: number) => revision(Array.from({ length: parts }, () => part).join('/'));
      await expect(company.alice.create(long(3))).resolves.toBeDefined();
      const { reason, message } = await refusal(company.alice.create(long(4)));
      expect(reason).toBe('Invalid');
      expect(message).toMatch(/metadata\.name.*no more than 253/s);
    });

    test('7.1.16 the repository is named', async () => {
      const { reason, message } = await refusal(company.alice.create(revision('web', { spec: { repository: '' } })));
      expect(reason).toBe('Invalid');
      expect(message).toContain('spec.repository');
    });

    test('7.8.134 names of repositories are DNS labels of at most 63 characters', async () => {
      const repository = (name: string) => ({
        apiVersion: 'config.porch.kpt.dev/v1alpha1',
        kind: 'Repository',
        metadata: { name },
        spec: { git: { repo: 'https://git.example.com/shop.git' } },
      });
      for (const name of ['a.b', 'a'.repeat(64)]) {
        const { reason, message } = await refusal(company.alice.create(repository(name)));
        expect(reason).toBe('Invalid');
        expect(message).toContain('must be a DNS label of at most 63 characters');
      }
      await expect(company.alice.create(repository('a'.repeat(63)))).resolves.toBeDefined();
    });
  });

  describe.each(LATEST_LABELS)('the label %s belongs to the operator', (label) => {
    test('7.1.15 it cannot be set on creation', async () => {
      const { metadata, ...rest } = revision(freshName());
      for (const value of ['true', 'false']) {
        const object = { ...rest, metadata: { ...metadata, labels: { [label]: value } } };
        const { reason, message } = await refusal(company.bob.create(object));
        expect(reason).toBe('Invalid');
        expect(message).toContain('are set by the operator only');
      }
    });

    test('7.6.99 nor set, altered or taken off later, while other labels can be', async () => {
      const { metadata } = await company.alice.create(revision(freshName()));
      const labelled = (labels: object) =>
        company.bob.merge<PackageRevision>('PackageRevision', metadata.name, { metadata: { labels } });
      expect((await refusal(labelled({ [label]: 'true' }))).reason).toBe('Invalid');
      await company.operator.merge('PackageRevision', metadata.name, { metadata: { labels: { [label]: 'true' } } });
      expect((await refusal(labelled({ [label]: 'false' }))).reason).toBe('Invalid');
      expect((await refusal(labelled({ [label]: null }))).reason).toBe('Invalid');
      const changed = await labelled({ team: 'a' });
      expect(changed.metadata.labels).toEqual({ team: 'a', [label]: 'true' });
    });
  });

  describe('metadata', () => {
    const K8S = {
      labels: { team: 'a' },
      annotations: { note: 'b' },
      finalizers: ['example.com/hold'],
    };

    test.each(['Draft', 'Proposed', 'Published', 'DeletionProposed'])(
      '7.6.96, 7.6.97 labels, annotations, finalizers and owners of a %s revision may change',
      async (lifecycle) => {
        const { metadata } = await company.operator.create(revision(freshName(), { lifecycle }));
        const owner = await company.admin.create(configMap(freshName()));
        const ownerReferences = [
          { apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid },
        ];
        const changed = await company.alice.merge<PackageRevision>('PackageRevision', metadata.name, {
          metadata: { ...K8S, ownerReferences },
        });
        expect(changed.metadata).toMatchObject({ ...K8S, ownerReferences });
        await company.alice.merge('PackageRevision', metadata.name, {
          metadata: { finalizers: [], ownerReferences: [] },
        });
      },
    );

    const CHANGES: readonly [string, object][] = [
      ['packageMetadata', { packageMetadata: { labels: { a: '9' } } }],
      ['readinessGates', { readinessGates: [{ conditionType: 'reviewed' }] }],
    ];

    test.each(CHANGES)('7.6.90, 7.6.93 %s of a draft may change, and be taken back', async (field, spec) => {
      const { metadata } = await company.alice.create(revision(freshName()));
      const change = (value: object) => company.alice.merge('PackageRevision', metadata.name, { spec: value });
      await expect(change(spec)).resolves.toMatchObject({ spec });
      await expect(change({ [field]: null })).resolves.not.toMatchObject({ spec: { [field]: expect.anything() } });
    });

    test.each(CHANGES)('7.6.97 %s is frozen once proposed, and with each later state', async (_field, spec) => {
      for (const lifecycle of ['Proposed', 'Published', 'DeletionProposed']) {
        const { metadata } = await company.operator.create(revision(freshName(), { lifecycle }));
        const { reason, message } = await refusal(company.bob.merge('PackageRevision', metadata.name, { spec }));
        expect(reason).toBe('Invalid');
        expect(message).toContain(FROZEN);
      }
    });

    test('7.6.97 a source cannot be told for what was published without one, only for a draft that lacks it', async () => {
      const sourceless = { source: undefined };
      const published = await company.operator.create(
        revision(freshName(), { lifecycle: 'Published', spec: sourceless }),
      );
      const draft = await company.alice.create(revision(freshName(), { spec: sourceless }));
      const tell = ({ metadata }: PackageRevision) =>
        company.alice.merge('PackageRevision', metadata.name, { spec: { source: { init: {} } } });
      expect((await refusal(tell(published))).message).toContain(FROZEN);
      await expect(tell(draft)).resolves.toMatchObject({ spec: { source: { init: {} } } });
    });

    test.each(CHANGES)('%s cannot ride along with an approval, but with a rejection', async (_field, spec) => {
      const { metadata } = await company.operator.create(revision(freshName(), { lifecycle: 'Proposed' }));
      const move = (lifecycle: string) =>
        company.bob.merge('PackageRevision', metadata.name, { spec: { ...spec, lifecycle } });
      expect((await refusal(move('Published'))).message).toContain(FROZEN);
      await expect(move('Draft')).resolves.toMatchObject({ spec });
    });

    test('the operator mirrors what the package says, in any state', async () => {
      const { metadata } = await company.operator.create(revision(freshName(), { lifecycle: 'Published' }));
      const spec = { readinessGates: [{ conditionType: 'reviewed' }], packageMetadata: { labels: { a: '1' } } };
      await expect(company.operator.merge('PackageRevision', metadata.name, { spec })).resolves.toMatchObject({ spec });
    });
  });
}
