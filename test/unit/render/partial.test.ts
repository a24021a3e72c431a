import { describe, expect, test } from '@jest/globals';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const SAVE = '    kpt.dev/save-on-render-failure: "true"\n';
const BREADTH_FIRST = '    kpt.dev/bfs-rendering: "true"\n';

const fail = testFunction('fail', () => ({ exitCode: 1, results: [{ message: 'no', severity: 'error' }] }));

function label(value: string): string {
  return `  - image: set-labels\n    configMap: {by: ${value}}\n`;
}

/** Three siblings of which the second fails after its first mutator. */
function siblings(annotations: string) {
  return packageOf({
    Kptfile: kptfile(
      'r',
      `pipeline:\n  mutators:\n${label('root')}`,
      annotations === '' ? '' : `  annotations:\n${annotations}`,
    ),
    'own.yaml': configMap('own'),
    'one/Kptfile': kptfile('one', `pipeline:\n  mutators:\n${label('one')}`),
    'one/c.yaml': configMap('c'),
    'two/Kptfile': kptfile('two', `pipeline:\n  mutators:\n${label('two')}  - image: fail\n${label('late')}`),
    'two/c.yaml': configMap('c'),
    'three/Kptfile': kptfile('three', `pipeline:\n  mutators:\n${label('three')}`),
    'three/c.yaml': configMap('c'),
    'zero.yaml': configMap('zero'),
  });
}

function labelOf(text: string | undefined): string | undefined {
  return /by: (\w+)/.exec(text ?? '')?.[1];
}

describe('a failing render', () => {
  test.each([
    ['H 69: children first', SAVE, { own: undefined, one: 'one', two: 'two', three: undefined }],
    ['H 70: parents first', SAVE + BREADTH_FIRST, { own: 'root', one: 'one', two: 'two', three: 'root' }],
    ['H 69: without the annotation', '', { own: undefined, one: undefined, two: undefined, three: undefined }],
  ])('%s: keeps what the steps before made, if it is to', async (_, annotations, expected) => {
    // Plain string order: one, three, two; the third must not run.
    const source = siblings(annotations);
    const moved = source.withSubtree('zz', source.subtree('three')).edit(
      source
        .paths()
        .filter((path) => path.startsWith('three/'))
        .map((path) => [path, null] as const),
    );
    const { package: rendered, report } = await render(moved, [fail]);
    expect(report.failure?.message).toContain('two/Kptfile: pipeline.mutators[1]');
    expect({
      own: labelOf(textOf(rendered, 'own.yaml')),
      one: labelOf(textOf(rendered, 'one/c.yaml')),
      two: labelOf(textOf(rendered, 'two/c.yaml')),
      three: labelOf(textOf(rendered, 'zz/c.yaml')),
    }).toEqual(expected);
    expect(rendered.paths()).toEqual(moved.paths());
    expect(textOf(rendered, 'Kptfile')).toContain('status: "False"');
  });

  test('R-13: what is kept holds no bookkeeping', async () => {
    const { package: rendered } = await render(siblings(SAVE), [fail]);
    for (const path of rendered.paths()) expect(textOf(rendered, path)).not.toContain('config.kubernetes.io/');
  });

  test('removes no file of a resource that a step dropped, and the old file of one that moved', async () => {
    const rearrange = testFunction('rearrange', ({ items }) => ({
      items: items
        .filter(({ path }) => path !== 'dropped.yaml')
        .map((item) => (item.path === 'old.yaml' ? { ...item, path: 'new.yaml' } : item)),
    }));
    const pipeline = 'pipeline:\n  mutators:\n  - image: rearrange\n  - image: fail\n';
    const { package: rendered } = await render(
      packageOf({
        Kptfile: kptfile('r', pipeline, `  annotations:\n${SAVE}`),
        'dropped.yaml': configMap('dropped'),
        'old.yaml': configMap('old'),
      }),
      [rearrange, fail],
    );
    expect(rendered.paths()).toEqual(['Kptfile', 'dropped.yaml', 'new.yaml']);
  });

  test('a result that cannot be written leaves the source', async () => {
    const grow = testFunction('grow', ({ items }) => ({
      items: [
        ...items,
        { value: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }, path: '.git/config' },
      ],
    }));
    const source = packageOf({
      Kptfile: kptfile('r', 'pipeline:\n  mutators:\n  - image: grow\n', `  annotations:\n${SAVE}`),
    });
    const { package: rendered, report } = await render(source, [grow]);
    expect(report.failure?.reason).toBe('InvalidPath');
    expect(rendered.paths()).toEqual(['Kptfile']);
  });
});
