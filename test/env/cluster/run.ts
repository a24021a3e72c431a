// `make cluster`: a cluster for a developer, with our CRDs, roles and policies, until Ctrl-C.
import { startCluster } from './cluster.ts';
import { installApi, installOperator } from './install.ts';

const ended = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.resolve());
const cluster = await startCluster({ scheduler: true });
// A promise alone keeps no process alive.
const alive = setInterval(() => undefined, 60_000);
try {
  await installApi(cluster.kubeconfig);
  const folder = await installOperator(cluster.kubeconfig);
  process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
  process.stderr.write(
    `${cluster.description}; with config/${folder}; its logs are in ${cluster.directory}; Ctrl-C ends it\n`,
  );
  await ended.promise;
} finally {
  clearInterval(alive);
  await cluster.stop();
}
