import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildStarlark } from '../../../../scripts/starlark/build.mjs';
import { createBuiltinRuntime } from '../../../../src/functions/builtin-runtime.ts';
import { StarlarkEngine } from '../../../../src/functions/catalog/starlark/engine.ts';
import { createStarlark } from '../../../../src/functions/catalog/starlark/function.ts';
import { readPackageDirectory } from '../../../../src/package/read-dir.ts';
import { createRenderer } from '../../../../src/render/renderer.ts';

const shared = process.env.VERANDA_SHARED ?? join(import.meta.dirname, '../../../../../shared');
const folder = join(shared, 'samples/nephio-catalog');
const { signal } = new AbortController();

const built = mkdtempSync(join(tmpdir(), 'veranda-scripts-'));
let withGo = false;

beforeAll(async () => {
  withGo = await buildStarlark(built);
  if (!existsSync(folder)) console.error(`PASSED OVER: no sample packages at ${folder}; set VERANDA_SHARED`);
  if (!withGo) console.error('PASSED OVER: Go is not installed, real scripts are not run');
});

describe('scripts of real packages', () => {
  test.each([
    ['nephio/optional/argo-cd-app', 'argo-wc-app.yaml', 'name: example-argo-edge\n'],
    ['distros/sandbox/repository', 'repo-porch.yaml', 'repo: http://172.18.0.200:3000/nephio/example-repo.git\n'],
    ['infra/capi/vlanindex', 'vlanindex.yaml', 'name: example\n'],
  ])('%s renders, twice to the same bytes', async (name, file, line) => {
    if (!withGo || !existsSync(folder)) return;
    const engine = new StarlarkEngine({ file: pathToFileURL(join(built, 'starlark.wasm')) });
    const renderer = createRenderer({ runtime: createBuiltinRuntime({ functions: [createStarlark(engine)] }) });
    const first = await renderer.render(await readPackageDirectory(join(folder, name), { signal }), { signal });
    expect(first.report.failure).toBeUndefined();
    expect(first.report.steps).toMatchObject([{ runtime: 'builtin', exitCode: 0 }]);
    expect(new TextDecoder().decode(first.package.get(file)?.bytes)).toContain(line);
    const second = await renderer.render(first.package, { signal });
    expect(second.package.hash()).toBe(first.package.hash());
  });
});
