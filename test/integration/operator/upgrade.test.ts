import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT, type PackageVariant } from '../../../src/api/kinds.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, NAMESPACE, OperatorBench } from './support.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';
const settings = (a: string, b: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: "${a}"\n  b: "${b}"\n`;
const added = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: added\ndata: {}\n';

describe('a variant whose upstream moves', () => {
  let bench: OperatorBench;
  let blueprints: BareRepository;
  let deployments: BareRepository;
  let time = 0;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    blueprints = await bench.repository('blueprints');
    deployments = await bench.repository('deployments', { deployment: true });
    await release(1, settings('1', '1'));
    await variant();
    await bench.start();
  });

  afterEach(async () => {
    await deployments.fsck();
    await bench.close();
  });

  const variant = (spec: object = {}, name = 'shop') =>
    bench.apply(PACKAGE_VARIANT.apiVersion, 'PackageVariant', name, {
      upstream: { repo: 'blueprints', package: 'web' },
      downstream: { repo: 'deployments', package: 'shop' },
      ...spec,
    });

  const variantObject = (name = 'shop') => bench.operator.find('PackageVariant', NAMESPACE, name) as PackageVariant;

  /** A tagged revision of the upstream package; the repository is not looked at yet. */
  async function release(
    version: number,
    content: string,
    more: { readonly [path: string]: string } = {},
  ): Promise<void> {
    const files = { 'web/Kptfile': KPTFILE, 'web/a.yaml': content, ...more };
    await blueprints.commit('main', files);
    await blueprints.git('tag', '-f', `web/v${version}`, 'main');
  }

  /** A change of a Repository's spec makes the operator look at its remote. */
  const look = async (name: 'blueprints' | 'deployments'): Promise<void> => {
    time += 1;
    const { apiVersion, spec } = bench.repositoryObject(name);
    await bench.apply(apiVersion, 'Repository', name, { ...spec, description: `look ${time}` });
    await bench.settle();
  };

  const newestName = (variantName = 'shop'): string =>
    variantObject(variantName).status?.downstreamTargets?.[0]?.name ?? '';

  /** Changes a file of the draft by a commit, as a person does, and publishes it. */
  const editAndPublish = async (from: string, to: string): Promise<void> => {
    const name = newestName();
    const branch = `drafts/shop/${bench.get(name).spec.workspaceName}`;
    const paths = (await deployments.git('ls-tree', '-r', '--name-only', branch)).split('\n');
    const files: Record<string, string> = {};
    for (const path of paths) files[path] = `${await deployments.git('show', `${branch}:${path}`)}\n`;
    files['shop/a.yaml'] = String(files['shop/a.yaml']).replace(from, to);
    await deployments.commit(branch, files, 'by hand');
    await look('deployments');
    await publish(name);
  };

  const publish = async (name: string): Promise<void> => {
    await bench.change(name, { lifecycle: 'Proposed' });
    await bench.change(name, { lifecycle: 'Published' });
  };

  const show = (name: string, path: string) =>
    deployments.git('show', `drafts/shop/${bench.get(name).spec.workspaceName}:shop/${path}`);

  test('gets a draft with both sides’ changes, and the conflicts are told where people look', async () => {
    await editAndPublish('b: "1"', 'b: "mine" # ours');
    const current = newestName();
    await release(2, settings('2', 'theirs'), { 'web/added.yaml': added });
    await look('blueprints');

    const name = newestName();
    expect(name).not.toBe(current);
    expect(bench.get(name).spec.source).toEqual({
      upgrade: {
        oldUpstream: { name: 'blueprints.web.v1' },
        newUpstream: { name: 'blueprints.web.v2' },
        currentPackage: { name: current },
      },
    });
    expect(await show(name, 'a.yaml')).toContain('a: "2"\n  b: "theirs" # ours');
    expect(await show(name, 'added.yaml')).toContain('# kpt-merge: /added');
    expect(bench.get(name).status).toMatchObject({
      creationSource: 'upgrade',
      observedLifecycle: 'Draft',
      upstreamLock: { git: { directory: 'web', ref: 'web/v2' } },
      mergeConflicts: [
        { file: 'a.yaml', field: 'data.b', base: '1', local: 'mine', upstream: 'theirs', resolution: 'upstream' },
      ],
    });
    expect(variantObject().status?.conflicts).toBe(1);
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        reason: 'MergeConflict',
        message: expect.stringContaining('a.yaml ConfigMap settings data.b'),
      }),
    );
    expect(condition(variantObject(), 'Ready')?.status).toBe('True');
  });

  test('M-21: upgrades from the commit of its lock when the old revision was deleted upstream', async () => {
    await editAndPublish('b: "1"', 'b: "mine"');
    await release(2, settings('2', '1'));
    await blueprints.git('tag', '-d', 'web/v1');
    await look('blueprints');
    expect(await show(newestName(), 'a.yaml')).toContain('a: "2"\n  b: "mine"');
    expect(variantObject().status?.conflicts).toBe(0);
  });

  test('7.4.64: an old upstream that the package was not made from is refused, unless the revision says to trust it', async () => {
    const current = newestName();
    await publish(current);
    await variant({ suspend: true });
    await release(2, settings('2', '1'));
    await release(3, settings('2', '3'));
    await look('blueprints');
    const upgrade = (workspaceName: string, metadata = {}) =>
      bench.revision(
        {
          repository: 'deployments',
          packageName: 'shop',
          workspaceName,
          source: {
            upgrade: {
              oldUpstream: { name: 'blueprints.web.v2' },
              newUpstream: { name: 'blueprints.web.v3' },
              currentPackage: { name: current },
            },
          },
        },
        metadata,
      );
    const refused = await upgrade('refused');
    const trusted = await upgrade('trusted', { annotations: { 'veranda.dev/trust-old-upstream': 'true' } });
    await bench.settle();

    expect(condition(bench.get(refused), 'Ready')?.status).toBe('False');
    expect(condition(bench.get(refused), 'Ready')?.message).toContain('spec.source.upgrade.oldUpstream');
    expect(await show(trusted, 'a.yaml')).toContain('a: "1"\n  b: "3"');

    await upgrade('refused', { annotations: { 'veranda.dev/trust-old-upstream': 'true' } });
    await bench.settle();
    expect(condition(bench.get(refused), 'Ready')?.status).toBe('True');
  });

  test('a revision that a person committed and tagged is upgraded too, from the commit of its lock', async () => {
    await publish(newestName());
    const files: Record<string, string> = {};
    for (const path of (await deployments.git('ls-tree', '-r', '--name-only', 'main')).split('\n')) {
      files[path] = `${(await deployments.git('show', `main:${path}`)).replace('b: "1"', 'b: "mine"')}\n`;
    }
    await deployments.commit('main', files, 'by hand');
    await deployments.git('tag', 'shop/v2', 'main');
    await look('deployments');
    await release(2, settings('2', '1'));
    await look('blueprints');
    expect(bench.get(newestName()).spec.source?.upgrade?.currentPackage).toEqual({ name: 'deployments.shop.v2' });
    expect(await show(newestName(), 'a.yaml')).toContain('a: "2"\n  b: "mine"');
  });

  test('an upgraded package is upgraded again, from where it was', async () => {
    await editAndPublish('b: "1"', 'b: "mine"');
    for (const version of [2, 3]) {
      await release(version, settings(String(version), '1'));
      await look('blueprints');
      await publish(newestName());
    }
    expect(bench.get(newestName()).status).toMatchObject({ revision: 3, upstreamLock: { git: { ref: 'web/v3' } } });
    expect(await deployments.git('show', 'shop/v3:shop/a.yaml')).toContain('a: "3"\n  b: "mine"');
    expect(condition(variantObject(), 'Ready')).toMatchObject({ status: 'True', reason: 'UpToDate' });
  });

  test('spec.upgradeStrategy says how', async () => {
    await editAndPublish('b: "1"', 'b: "mine"');
    await variant({ upgradeStrategy: 'force-delete-replace' });
    await release(2, settings('2', '1'));
    await look('blueprints');
    expect(await show(newestName(), 'a.yaml')).toContain('a: "2"\n  b: "1"');
  });

  test('follows the head of a branch, from the commit that it was made from', async () => {
    const upstream = { repo: 'blueprints', package: 'web', workspaceName: 'main' };
    await variant({ upstream, downstream: { repo: 'deployments', package: 'site' } }, 'site');
    await bench.settle();
    for (const value of ['one', 'two']) {
      await publish(newestName('site'));
      await blueprints.commit('main', { 'web/Kptfile': KPTFILE, 'web/a.yaml': settings(value, '1') });
      await look('blueprints');
    }
    const name = newestName('site');
    const head = { name: 'blueprints.web.main' };
    expect(bench.get(name).spec.source?.upgrade).toMatchObject({ oldUpstream: head, newUpstream: head });
    const { workspaceName } = bench.get(name).spec;
    expect(await deployments.git('show', `drafts/site/${workspaceName}:site/a.yaml`)).toContain('a: "two"');
    expect(variantObject('site').status?.conflicts).toBe(0);
  });

  test('a downgrade is carried out and called one', async () => {
    await release(2, settings('2', '1'));
    await look('blueprints');
    await publish(newestName());
    await variant({ upstream: { repo: 'blueprints', package: 'web', revision: 1 } });
    await bench.settle();
    expect(await show(newestName(), 'a.yaml')).toContain('a: "1"');
    expect(bench.events).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/^downgrade: .* from revision 2 to 1$/) }),
    );
  });

  test('a merge that cannot be done is said on the variant, and nothing is made', async () => {
    await editAndPublish('b: "1"', 'b: "mine"');
    await release(2, `${settings('2', '1')}---\n${settings('3', '1')}`);
    await look('blueprints');
    expect(condition(variantObject(), 'Ready')).toMatchObject({ status: 'False', reason: 'DuplicateResource' });
    expect([...(await deployments.refs()).keys()].filter((ref) => ref.includes('drafts/'))).toEqual([]);
  });
});
