import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RENDER_REQUEST_ANNOTATION } from '../../../src/api/labels.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { condition, OperatorBench } from './support.ts';

const NAME = 'git.app.v1';
const DRAFT = 'drafts/app/v1';

/** The package as somebody wrote it who does not render. */
function files(data: string) {
  const mutators = '  mutators:\n  - image: set-labels:v0.2.0\n    configMap:\n      app: web\n';
  return {
    'app/Kptfile': `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\npipeline:\n${mutators}`,
    'app/config.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  text: ${data}\n`,
  };
}

describe('who has written a draft asks for its render', () => {
  let bench: OperatorBench;
  let remote: BareRepository;
  let server: GitServer;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    server = await startGitServer({ root: bench.folder });
    remote = await BareRepository.create(join(bench.folder, 'git.git'));
    await remote.commit('main', { 'README.md': 'packages\n' });
    await bench.register('git', server.url('git.git'));
    const spec = { repository: 'git', packageName: 'app', workspaceName: 'v1', source: { init: {} } };
    await bench.revision({ ...spec, lifecycle: 'Draft' });
    await bench.start();
  });

  afterEach(async () => {
    await server.close();
    await bench.close();
  });

  const ask = async (value: string): Promise<void> => {
    const { apiVersion, kind, spec } = bench.get(NAME);
    const metadata = { annotations: { [RENDER_REQUEST_ANNOTATION]: value } };
    await bench.apply(apiVersion, kind, NAME, { ...spec }, metadata);
  };
  const config = () => remote.git('show', `${DRAFT}:app/config.yaml`);

  test('7.9.165: what was written is rendered, and the request is acknowledged', async () => {
    await remote.commit(DRAFT, files('first'));
    await ask('1');
    await bench.settle();

    expect(bench.get(NAME).status?.observedPrrResourceVersion).toBe('1');
    expect(condition(bench.get(NAME), 'Rendered')?.status).toBe('True');
    expect(await config()).toMatch(/app: web[\s\S]*text: first/);
  });

  test('7.9.166: a request that was served is not served again, and another one of the same content writes no commit', async () => {
    await ask('1');
    await bench.settle();
    const head = await remote.git('rev-parse', DRAFT);
    await ask('1');
    await ask('2');
    await bench.settle();

    expect(bench.get(NAME).status?.observedPrrResourceVersion).toBe('2');
    expect(await remote.git('rev-parse', DRAFT)).toBe(head);
  });

  test('7.9.167: of what is written while a render is under way nothing is lost: it is rendered as well', async () => {
    await remote.commit(DRAFT, files('first'));
    let pushes = 0;
    const second = async () => {
      await remote.commit(DRAFT, files('second'));
      await ask('2');
    };
    server.fault = (kind) => (kind === 'push' && ++pushes === 1 ? { kind: 'delay', until: second() } : undefined);
    await ask('1');
    await bench.settle();

    expect(pushes).toBe(2);
    expect(bench.get(NAME).status?.observedPrrResourceVersion).toBe('2');
    expect(await config()).toMatch(/app: web[\s\S]*text: second/);
    expect(condition(bench.get(NAME), 'Ready')?.status).toBe('True');
  });

  test('7.9.168: a pipeline that fails is said and not run again for the same request', async () => {
    const broken = files('first')
      ['app/Kptfile'].replace('set-labels:v0.2.0', 'starlark:v0.5.0')
      .replace('app: web', 'source: fail("no")');
    await remote.commit(DRAFT, { ...files('first'), 'app/Kptfile': broken });
    const head = await remote.git('rev-parse', DRAFT);
    await ask('1');
    await bench.settle();
    await bench.settle();

    expect(bench.get(NAME).status?.observedPrrResourceVersion).toBe('1');
    expect(condition(bench.get(NAME), 'Rendered')).toMatchObject({ status: 'False', reason: 'RenderFailed' });
    expect(condition(bench.get(NAME), 'Ready')?.status).toBe('False');
    expect(await remote.git('rev-parse', DRAFT)).toBe(head);
  });
});
