import { describe, expect, test } from '@jest/globals';
import type { Package } from '../../../src/package/package.ts';
import { CachedRenderer } from '../../../src/render/cached-renderer.ts';
import type { Renderer, RenderReport } from '../../../src/render/types.ts';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const PIPELINE = 'pipeline:\n  mutators:\n  - image: set-namespace:v0.4.1\n    configMap:\n      namespace: shop\n';
const { signal } = new AbortController();

/** Real renders, counted; `report` stands for what another runtime or another moment would have said. */
function counting(report: (real: RenderReport) => RenderReport = (real) => real): Renderer & { renders: number } {
  return {
    renders: 0,
    async render(pkg: Package) {
      this.renders += 1;
      const outcome = await render(pkg, [testFunction('fail', () => ({ exitCode: 1 }))]);
      return { ...outcome, report: report(outcome.report) };
    },
  };
}

function shop(name: string, pipeline = PIPELINE): Package {
  return packageOf({ Kptfile: kptfile('shop', pipeline), 'a.yaml': configMap(name) });
}

describe('a renderer that remembers outcomes', () => {
  test('renders the same bytes once and gives the same outcome for them', async () => {
    const renderer = counting();
    const cached = new CachedRenderer({ renderer });
    const first = await cached.render(shop('a'), { signal });
    expect(await cached.render(shop('a'), { signal })).toBe(first);
    expect(renderer.renders).toBe(1);
    expect(textOf(first.package, 'a.yaml')).toContain('namespace: shop');
  });

  test('renders again when one byte differs', async () => {
    const renderer = counting();
    const cached = new CachedRenderer({ renderer });
    await cached.render(shop('a'), { signal });
    const other = await cached.render(shop('b'), { signal });
    expect(renderer.renders).toBe(2);
    expect(textOf(other.package, 'a.yaml')).toContain('name: b');
  });

  test('does not remember a failure', async () => {
    const renderer = counting();
    const cached = new CachedRenderer({ renderer });
    const failing = shop('a', 'pipeline:\n  mutators:\n  - image: fail\n');
    for (let count = 0; count < 2; count++) {
      expect((await cached.render(failing, { signal })).report.failure).toBeDefined();
    }
    expect(renderer.renders).toBe(2);
  });

  test('does not remember what a function outside of the process has made', async () => {
    const renderer = counting(({ steps, warnings }) => ({
      steps: steps.map((step) => ({ ...step, runtime: 'container' })),
      warnings,
    }));
    const cached = new CachedRenderer({ renderer });
    await cached.render(shop('a'), { signal });
    await cached.render(shop('a'), { signal });
    expect(renderer.renders).toBe(2);
  });

  test('forgets the oldest outcome when there is no room for all', async () => {
    const renderer = counting();
    const cached = new CachedRenderer({ renderer, maxBytes: 1_000 });
    for (const name of ['a', 'b', 'a']) await cached.render(shop(name), { signal });
    expect(renderer.renders).toBe(3);
  });

  test('an aborted signal counts for what is remembered, too', async () => {
    const cached = new CachedRenderer({ renderer: counting() });
    await cached.render(shop('a'), { signal });
    await expect(cached.render(shop('a'), { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});
