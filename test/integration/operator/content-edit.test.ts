import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PUSH_ON_RENDER_FAILURE_ANNOTATION } from '../../../src/api/labels.ts';
import type { BareRepository, SeedFiles } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

const NAME = 'git.app.v1';
const DRAFT = 'drafts/app/v1';
const PROPOSED = 'proposed/app/v1';
const kptfile = (...steps: readonly string[]) =>
  [
    'apiVersion: kpt.dev/v1',
    'kind: Kptfile',
    'metadata:',
    '  name: app',
    'pipeline:',
    '  mutators:',
    ...steps,
    '',
  ].join('\n');
const SET_NAMESPACE = ['  - image: set-namespace:v0.4.1', '    configMap:', '      namespace: shop'];
/** Without its configuration it fails. */
const BROKEN = ['  - image: set-namespace:v0.4.1'];
const settings = (namespace: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: ${namespace}\n`;

/** Content is edited by pushes to a draft's branch. */
describe('content that is pushed', () => {
  let bench: OperatorBench;
  let remote: BareRepository;
  let looks: number;

  beforeEach(async () => {
    looks = 0;
    bench = await OperatorBench.open();
    remote = await bench.repository('git');
    await bench.revision({ repository: 'git', packageName: 'app', workspaceName: 'v1', source: { init: {} } });
    await bench.start();
  });

  afterEach(async () => {
    await remote.fsck();
    await bench.close();
  });

  /** A push by hand that is noticed. */
  const push = async (branch: string, files: SeedFiles): Promise<string> => {
    const commit = await remote.commit(branch, { 'README.md': 'packages\n', ...files });
    looks += 1;
    await bench.register('git', remote.path, { description: `looked at ${looks} times` });
    await bench.settle();
    return commit;
  };
  const tip = (branch: string) => remote.git('rev-parse', branch);
  const said = (type: string) => condition(bench.get(NAME), type);

  test('7.5.74: to a proposal is neither rendered nor published, and says so; sent back to Draft it is rendered', async () => {
    await bench.change(NAME, { lifecycle: 'Proposed' });
    const pushed = await push(PROPOSED, {
      'app/Kptfile': kptfile(...SET_NAMESPACE),
      'app/settings.yaml': settings('elsewhere'),
    });
    expect(said('Rendered')).toMatchObject({ status: 'False', reason: 'NotRendered' });
    expect(said('Ready')).toMatchObject({ status: 'False', reason: 'NotRendered' });

    expect(await tip(PROPOSED)).toBe(pushed);

    await bench.change(NAME, { lifecycle: 'Draft' });
    expect(await remote.git('show', `${DRAFT}:app/settings.yaml`)).toContain('namespace: shop');
    expect(await tip(`${DRAFT}^`)).toBe(pushed);
    expect(said('Rendered')?.status).toBe('True');
    await bench.change(NAME, { lifecycle: 'Proposed' });
    await bench.change(NAME, { lifecycle: 'Published' });
    expect(bench.get(NAME).status).toMatchObject({ observedLifecycle: 'Published', revision: 1 });
    expect(await remote.git('show', 'app/v1:app/settings.yaml')).toContain('namespace: shop');
  });

  test('7.5.74: to a proposal and approved unseen is not published before it is what was proposed', async () => {
    await bench.change(NAME, { lifecycle: 'Proposed' });
    const proposed = await tip(PROPOSED);
    const pushed = await remote.commit(PROPOSED, { 'app/Kptfile': kptfile(...SET_NAMESPACE) });
    await bench.change(NAME, { lifecycle: 'Published' });
    expect(said('Ready')).toMatchObject({
      status: 'False',
      message: expect.stringContaining(`commit ${pushed.slice(0, 12)} was pushed to the proposal by hand`),
    });
    expect([...(await remote.refs()).keys()]).toEqual(['refs/heads/main', `refs/heads/${PROPOSED}`]);

    await remote.git('update-ref', `refs/heads/${PROPOSED}`, proposed);
    await bench.register('git', remote.path, { description: 'taken back' });
    await bench.settle();
    expect(said('Rendered')?.status).toBe('True');
    expect(bench.get(NAME).status).toMatchObject({ observedLifecycle: 'Published', revision: 1 });
  });

  test('7.5.78: with a pipeline that works, the status tells image, exit code and results of each function', async () => {
    await push(DRAFT, { 'app/Kptfile': kptfile(...SET_NAMESPACE), 'app/settings.yaml': settings('elsewhere') });
    const { status } = bench.get(NAME);
    expect(status?.renderStatus).toEqual({
      commit: await tip(DRAFT),
      steps: [
        {
          phase: 'mutator',
          packagePath: '',
          image: 'ghcr.io/kptdev/krm-functions-catalog/set-namespace:v0.4.1',
          runtime: 'builtin',
          exitCode: 0,
          results: [
            { severity: 'info', message: 'namespace [elsewhere] updated to "shop", 1 value(s) changed' },
            { severity: 'info', message: expect.stringContaining('depends-on') },
          ],
        },
      ],
    });
    expect(said('Rendered')).toMatchObject({ status: 'True', reason: 'Rendered' });
  });

  test.each([
    ['7.5.83: "True" is not "true"', 'True', 'is kept as it was pushed'],
    ['7.5.80: "true"', 'true', 'has the failure in its Kptfile'],
  ])('%s: with that push-on-render-failure what does not render %s', async (_case, value, outcome) => {
    const { apiVersion, kind, spec } = bench.get(NAME);
    const metadata = { annotations: { [PUSH_ON_RENDER_FAILURE_ANNOTATION]: value } };
    await bench.apply(apiVersion, kind, NAME, { ...spec }, metadata);
    await bench.settle();
    const pushed = await push(DRAFT, { 'app/Kptfile': kptfile(...BROKEN), 'app/settings.yaml': settings('here') });
    expect(said('Rendered')).toMatchObject({ status: 'False', reason: 'RenderFailed' });
    const written = (await tip(DRAFT)) !== pushed;
    expect(written ? 'has the failure in its Kptfile' : 'is kept as it was pushed').toBe(outcome);
    if (written) expect(await remote.git('show', `${DRAFT}:app/Kptfile`)).toContain('reason: RenderFailed');
  });

  test('7.5.85: a file of 5 MiB is rendered around and comes out as it was, in the published revision too', async () => {
    const line = `${'0123456789abcdef'.repeat(4)}\n`;
    const large = line.repeat(Math.ceil((5 * 1024 * 1024) / line.length));
    await push(DRAFT, {
      'app/Kptfile': kptfile(...SET_NAMESPACE),
      'app/settings.yaml': settings('elsewhere'),
      'app/large.txt': large,
    });
    expect(said('Rendered')?.status).toBe('True');
    await bench.change(NAME, { lifecycle: 'Proposed' });
    await bench.change(NAME, { lifecycle: 'Published' });
    const copy = await bench.revision({
      repository: 'git',
      packageName: 'app',
      workspaceName: 'v2',
      source: { copyFrom: { name: NAME } },
    });
    await bench.settle();
    expect(condition(bench.get(copy), 'Ready')?.status).toBe('True');
    for (const revision of ['app/v1', 'drafts/app/v2']) {
      expect(`${await remote.git('show', `${revision}:app/large.txt`)}\n` === large).toBe(true);
    }
  });

  test('7.8.141: without a Kptfile is no package: the object stays and says so, nothing is run, and the next push mends it', async () => {
    const pushed = await push(DRAFT, { 'app/settings.yaml': settings('elsewhere') });
    expect(said('Ready')).toMatchObject({
      status: 'False',
      reason: 'Unreadable',
      message: expect.stringMatching(/^branch drafts\/app\/v1 holds no package: no Kptfile/),
    });
    expect(await tip(DRAFT)).toBe(pushed);

    await push(DRAFT, { 'app/Kptfile': kptfile(...SET_NAMESPACE), 'app/settings.yaml': settings('elsewhere') });
    expect(said('Ready')?.status).toBe('True');
    expect(bench.get(NAME).spec.source).toEqual({ init: {} });
    expect(await remote.git('show', `${DRAFT}:app/settings.yaml`)).toContain('namespace: shop');
  });
});
