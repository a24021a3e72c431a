import { describe, expect, test } from '@jest/globals';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const same = testFunction('same', () => ({}));

function step(text: string, phase = 'mutators'): string {
  return kptfile('r', `pipeline:\n  ${phase}:\n  - ${text}\n`);
}

describe('a Kptfile that is wrong fails the render before any function runs', () => {
  test.each([
    ['H 1: an unknown key', kptfile('r', 'pipeline:\n  mutator: []\n'), ['Kptfile:6', 'pipeline.mutator']],
    ['H 2: an old version', kptfile('r').replace('kpt.dev/v1', 'kpt.dev/v1alpha2'), ['old Kptfile version', 'migrate']],
    ['H 4: image and exec', step('{image: same, exec: cat}'), ['pipeline.mutators[0]', 'image and exec']],
    ['H 5: neither image nor exec', step('{name: x}'), ['pipeline.mutators[0]', 'must have image or exec']],
    ['H 6: no image reference', step('{image: "a//b"}'), ['pipeline.mutators[0].image', 'a//b']],
    ['H 7: two configurations', step('{image: same, configPath: c.yaml, configMap: {a: b}}'), ['configMap']],
    ['H 8: a blank path', step('{image: same, configPath: " "}'), ['configPath', 'blank']],
    ['H 8: an absolute path', step('{image: same, configPath: /abs.yaml}'), ['/abs.yaml', 'relative']],
    ['H 8: a path out of the package', step('{image: same, configPath: ../x.yaml}'), ['../x.yaml', 'leave']],
    ['H 12: a list as text', step('{image: same, configMap: {a: [b]}}'), ['configMap.a', 'string']],
    ['H 13: an upstream of another kind', kptfile('r', 'upstream:\n  oci: {}\n'), ['upstream.oci']],
    [
      'H 21: configRef and configMap',
      step('{image: same, configMap: {a: b}, configRef: {kind: ConfigMap, name: c}}'),
      ['configRef', 'together'],
    ],
    ['H 67: a quote that is not closed', step(`{exec: "sed -e 's/a/b"}`), ['exec', 'quote']],
  ])('%s', async (_, Kptfile, words) => {
    let ran = 0;
    const counting = testFunction('same', () => {
      ran += 1;
      return {};
    });
    const source = packageOf({ 'sub/Kptfile': step('image: same'), Kptfile, 'c.yaml': configMap('c') });
    const { package: rendered, report } = await render(source, [counting]);
    expect(report.failure?.reason).toBe('InvalidKptfile');
    for (const word of words) expect(report.failure?.message).toContain(word);
    expect(ran).toBe(0);
    expect(rendered).toBe(source);
  });
});

describe('a Kptfile that looks odd and is right', () => {
  test.each([
    ['H 7: an empty configMap beside a configPath', step('{image: same, configPath: c.yaml, configMap: {}}')],
    ['H 9: dots in the name of a configuration', step('{image: same, configPath: a..yaml}')],
    ['H 13: an upstream of any type', kptfile('r', 'upstream:\n  type: foo\n')],
    ['H 14: a status of a newer version', kptfile('r', 'status:\n  renderStatus:\n    x: {y: z}\n  future: kept\n')],
  ])('%s', async (_, Kptfile) => {
    const source = packageOf({ Kptfile, 'c.yaml': configMap('c'), 'a..yaml': configMap('a') });
    const { package: rendered, report } = await render(source, [same]);
    expect(report.failure).toBeUndefined();
    if (Kptfile.includes('future')) expect(textOf(rendered, 'Kptfile')).toContain('  future: kept\n');
  });

  test('H 12: a number in a configMap is its text', async () => {
    const configs: unknown[] = [];
    const reading = testFunction('read', ({ functionConfig }) => {
      configs.push(functionConfig?.data);
      return {};
    });
    await render(packageOf({ Kptfile: step('{image: read, configMap: {a: 1, b: 1.10, c: true}}') }), [reading]);
    expect(configs).toEqual([{ a: '1', b: '1.10', c: 'true' }]);
  });

  test.each([
    ['local', '  annotations:\n    config.kubernetes.io/local-config: "true"\n', []],
    ['applied', '', [expect.stringContaining('c.yaml configures a function')]],
  ])('R-05: a configuration that is %s stays, with a warning if it would be applied', async (_, extra, warnings) => {
    const text = configMap('c', extra);
    const Kptfile = step('{image: same, configPath: c.yaml}');
    const { package: rendered, report } = await render(packageOf({ Kptfile, 'c.yaml': text }), [same]);
    expect(textOf(rendered, 'c.yaml')).toBe(text);
    expect(report.warnings).toEqual(warnings);
  });
});
