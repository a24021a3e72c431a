// Bundles the command and its worker into dist/.
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildStarlark } from './starlark/build.mjs';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist');

/**
 * client-node has a class for everything that Kubernetes knows, 15 MB, and does not say that loading them does nothing:
 * of all that only the reading of kubeconfigs is used.
 */
const withoutUnusedApis = {
  name: 'without-unused-apis',
  setup({ onResolve, resolve }) {
    const seen = Symbol('seen');
    onResolve(
      { filter: /^(\.|@kubernetes\/client-node)/ },
      async ({ path, importer, resolveDir, kind, pluginData }) => {
        const isPart = path.startsWith('@') || importer.includes('/@kubernetes/client-node/');
        if (!isPart || pluginData === seen) return undefined;
        const found = await resolve(path, { importer, resolveDir, kind, pluginData: seen });
        return found.errors.length > 0 ? found : { path: found.path, sideEffects: false };
      },
    );
  },
};

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
  minifyWhitespace: true,
  plugins: [withoutUnusedApis],
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
