// `make cluster`: a control plane for a developer, with our CRDs, roles and policies, until Ctrl-C.
import { startControlPlane } from './control-plane.ts';
import { installConfig } from './install.ts';

const cluster = await startControlPlane({ scheduler: true });
await installConfig(cluster.kubeconfig, 'default');
process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
process.stderr.write(`${cluster.description}; with config/default; logs in ${cluster.directory}; Ctrl-C ends it\n`);
const { promise, resolve } = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
const keepAlive = setInterval(() => undefined, 60_000);
await promise;
clearInterval(keepAlive);
await cluster.stop();
