import { expect, test } from '@jest/globals';
import { condition, OperatorBench } from './support.ts';

const KPTFILE = `# owner: ops
apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: app
pipeline:
  mutators:
  - image: set-namespace:v0.4.1
    configMap:
      namespace: shop
`;
const settings = (namespace: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings # by hand
  namespace: ${namespace}
data:
  colour: blue
`;

test('7.8.142: a push by hand to a draft is taken as it is and rendered on top, with its commit as the parent', async () => {
  const bench = await OperatorBench.open();
  try {
    const remote = await bench.repository('git');
    const spec = { repository: 'git', packageName: 'app', workspaceName: 'v1', source: { init: {} } };
    const name = await bench.revision(spec);
    await bench.start();

    const pushed = await remote.commit('drafts/app/v1', {
      'README.md': 'packages\n',
      'app/Kptfile': KPTFILE,
      'app/notes.txt': 'kept as it is\r\n',
      'app/settings.yaml': settings('elsewhere'),
    });
    await bench.register('git', remote.path, { description: 'looked at again' });
    await bench.settle();

    expect(await remote.git('rev-parse', 'drafts/app/v1^')).toBe(pushed);
    expect(`${await remote.git('show', 'drafts/app/v1:app/settings.yaml')}\n`).toBe(settings('shop'));
    expect(await remote.git('show', 'drafts/app/v1:app/notes.txt')).toContain('kept as it is');
    expect(await remote.git('show', 'drafts/app/v1:app/Kptfile')).toContain('# owner: ops');
    expect(await remote.git('diff', '--name-only', pushed, 'drafts/app/v1')).toBe('app/Kptfile\napp/settings.yaml');
    expect(condition(bench.get(name), 'Rendered')?.status).toBe('True');

    const tip = await remote.git('rev-parse', 'drafts/app/v1');
    await bench.register('git', remote.path, { description: 'and once more' });
    await bench.settle();
    expect(await remote.git('rev-parse', 'drafts/app/v1')).toBe(tip);
    await remote.fsck();
  } finally {
    await bench.close();
  }
});
