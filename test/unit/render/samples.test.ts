import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import { readPackageDirectory } from '../../../src/package/read-dir.ts';
import { createRenderer } from '../../../src/render/renderer.ts';

// Real packages: those whose functions are all built in must render; every one renders twice to the same bytes.
const shared = process.env.VERANDA_SHARED ?? path.join(import.meta.dirname, '../../../../shared');
const folder = path.join(shared, 'samples');
const signal = new AbortController().signal;

if (!existsSync(folder)) {
  console.error(`PASSED OVER: no sample packages at ${folder}; set VERANDA_SHARED`);
  test('sample packages are passed over', () => expect(existsSync(folder)).toBe(false));
} else {
  const packages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === 'Kptfile')
    .map((file) => path.dirname(file));
  const renderer = createRenderer({ runtime: createBuiltinRuntime() });

  describe('real packages', () => {
    test('there are some', () => {
      expect(packages.length).toBeGreaterThan(10);
    });

    test.each(packages)('%s', async (name) => {
      const source = await readPackageDirectory(path.join(folder, name), { signal });
      const first = await renderer.render(source, { signal });
      expect([undefined, 'FunctionNotFound', 'ImageNotAllowed']).toContain(first.report.failure?.reason);
      const second = await renderer.render(first.package, { signal });
      expect(second.package.hash()).toBe(first.package.hash());
    });
  });
}
