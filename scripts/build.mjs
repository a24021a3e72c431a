// Bundles the command and its worker into dist/.
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildStarlark } from './starlark/build.mjs';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist');

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/main.ts', worker: 'src/workers/worker.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // What a command does not need is not read when it starts.
  splitting: true,
  target: 'node24',
  sourcemap: true,
  legalComments: 'linked',
  logLevel: 'warning',
  // It starts threads from files that lie beside its own.
  external: ['piscina'],
  // Dependencies in CommonJS call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

await copyFile(join(root, 'src/krm/schema/kubernetes.json.gz'), join(outdir, 'kubernetes.json.gz'));
await buildStarlark(outdir);
