import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { configMap, kptfile, repositoryManifest, variantManifest, veranda, World } from './support.ts';

interface JsonPlan {
  readonly changes: readonly {
    readonly action: string;
    readonly revision: string;
    readonly variant?: string;
    readonly lifecycle: string;
    readonly number?: number;
    readonly tree?: string;
    readonly diff?: string;
    readonly conflicts: readonly { readonly field?: string }[];
    readonly failure?: string;
  }[];
  readonly obstacles: readonly { readonly object: string; readonly reason: string; readonly message: string }[];
  readonly unchanged: number;
}

let world: World;
let blueprints: BareRepository;
let deployments: BareRepository;

beforeEach(async () => {
  world = await World.create();
  blueprints = await world.remote(
    'blueprints',
    { 'web/Kptfile': kptfile('web'), 'web/config.yaml': configMap('web') },
    ['web/v1'],
  );
  deployments = await world.remote('deployments', { 'README.md': 'x\n' });
  await world.write(
    'repositories.yaml',
    `${repositoryManifest('blueprints')}---\n${repositoryManifest('deployments')}`,
  );
  await world.write('shop.yaml', variant('shop'));
});

afterEach(() => world.remove());

const LABELS = '  pipeline:\n    mutators:\n    - image: set-labels:v0.2\n      configMap: {tier: web}\n';

/** Follows the latest published revision. */
const variant = (name: string, spec = '') => variantManifest(name, { spec }).replace(', workspaceName: v1', '');

const command = (name: string, ...args: string[]) => veranda([name, '-f', '.', ...args], { cwd: world.root });

async function plan(...args: string[]): Promise<JsonPlan & { readonly code: number | null }> {
  const { code, stdout, stderr } = await command('plan', '-o', 'json', ...args);
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as JsonPlan), code };
}

async function refs(): Promise<readonly ReadonlyMap<string, string>[]> {
  return [await blueprints.refs(), await deployments.refs()];
}

/** Ids of the trees of the packages that are published. */
async function publishedTrees(...tags: string[]): Promise<readonly string[]> {
  return await Promise.all(
    tags.map(async (tag) => (await deployments.git('rev-parse', `${tag}:${tag.split('/')[0]}`)).trim()),
  );
}

async function publishBlueprint(tag: string, files: Readonly<Record<string, string>>): Promise<void> {
  await blueprints.commit('main', files);
  await blueprints.git('tag', tag, 'main');
}

describe('veranda plan', () => {
  test('shows what a run would publish, to the byte, and writes nothing', async () => {
    const before = await refs();
    const planned = await plan();
    expect(await refs()).toEqual(before);
    expect(planned).toMatchObject({
      code: 0,
      obstacles: [],
      unchanged: 0,
      changes: [{ action: 'create', variant: 'default/shop', lifecycle: 'Published', number: 1, conflicts: [] }],
    });
    expect(planned.changes[0]?.diff).toContain('+++ b/config.yaml\n');
    expect((await command('run')).code).toBe(0);
    expect(await publishedTrees('shop/v1')).toEqual(planned.changes.map(({ tree }) => tree));
  });

  test('after the run there is nothing to plan, which the exit code can tell', async () => {
    const { code } = await plan('--detailed-exitcode');
    expect(code).toBe(3);
    await command('run');
    expect(await plan('--detailed-exitcode')).toMatchObject({ code: 0, changes: [], unchanged: 1 });
  });

  test('an upgrade shows its merge conflicts and the difference to what is published, and so it happens', async () => {
    await command('run');
    const published = async (name: string) => `${await deployments.git('show', `shop/v1:shop/${name}`)}\n`;
    await deployments.commit('main', {
      'shop/Kptfile': await published('Kptfile'),
      'shop/config.yaml': (await published('config.yaml')).replace('key: value', 'key: local'),
    });
    await deployments.git('tag', 'shop/v2', 'main');
    await publishBlueprint('web/v2', {
      'web/Kptfile': kptfile('web'),
      'web/config.yaml': configMap('web', 'key: upstream'),
      'web/more.yaml': configMap('more'),
    });
    const planned = await plan();
    const [change] = planned.changes;
    expect(planned.changes).toHaveLength(1);
    expect(change).toMatchObject({ action: 'upgrade', number: 3 });
    expect(change?.conflicts).toMatchObject([{ field: 'data.key' }]);
    expect(change?.diff).toContain('-  key: local\n+  key: upstream\n');
    await command('run');
    expect(await publishedTrees('shop/v3')).toEqual([change?.tree]);
  });

  test('a changed input is an edit of what is published', async () => {
    await command('run');
    await world.write('shop.yaml', variant('shop', LABELS));
    const { changes } = await plan();
    expect(changes).toMatchObject([{ action: 'edit', number: 2 }]);
    expect(changes[0]?.diff).toContain('+    tier: web\n');
  });

  test('a draft that is there and is changed is told from one that is made', async () => {
    await world.write('shop.yaml', variant('shop').replace('Always', 'Manual'));
    await command('run');
    expect(await plan()).toMatchObject({ changes: [], unchanged: 1 });
    await world.write('shop.yaml', variant('shop'));
    expect((await plan()).changes).toMatchObject([{ action: 'publish', number: 1, diff: '' }]);
    await world.write('shop.yaml', variant('shop', LABELS).replace('Always', 'Manual'));
    const { changes } = await plan();
    expect(changes).toMatchObject([{ action: 'change', lifecycle: 'Draft' }]);
  });

  test('what cannot be done is told with the reason that the object would show, and the rest is planned', async () => {
    await world.write('broken.yaml', variant('broken').replace('package: web', 'package: nothing'));
    await world.write(
      'failing.yaml',
      variant('failing', '  pipeline:\n    mutators:\n    - image: set-namespace:v0.4\n      configMap: {other: x}\n'),
    );
    const planned = await plan();
    expect(planned.code).toBe(1);
    expect(planned.obstacles).toContainEqual(
      expect.objectContaining({ object: 'PackageVariant default/broken', reason: 'UpstreamNotFound' }),
    );
    expect(planned.obstacles).toContainEqual(
      expect.objectContaining({
        object: 'PackageVariant default/failing',
        reason: 'RenderFailed',
        message: expect.stringContaining('data.namespace'),
      }),
    );
    expect(planned.changes).toContainEqual(expect.objectContaining({ variant: 'default/shop', action: 'create' }));
    expect(planned.changes).toHaveLength(1);
  });

  test('the table has a line for each package, the differences, and a sum', async () => {
    await world.write('other.yaml', variant('other'));
    const { stdout, code } = await command('plan');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ACTION +PACKAGE +WORKSPACE +UPSTREAM +ENDS +RESOURCES +CONFLICTS$/m);
    expect(stdout).toMatch(/^create +deployments\/shop +\S+ +\S+ +Published v1 +\+\d ~0 -0 +0$/m);
    expect(stdout).toContain('# deployments/other\n--- /dev/null\n');
    expect(stdout).toMatch(/^Plan: 2 to create, 0 unchanged\. Nothing was written\.$/m);
    expect((await command('plan', '--no-diff')).stdout).not.toContain('+++');
  });
});
