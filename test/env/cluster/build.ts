// Builds the programs of the test cluster and Porch's function runner, so that no test waits for a compiler. `node test/env/cluster/build.ts`
import { buildPorchRunner } from '../grpc/porch-runner.ts';
import { binary, type ProgramName } from './binaries.ts';

const CONTROL_PLANE: readonly ProgramName[] = [
  'etcd',
  'kube-apiserver',
  'kubectl',
  'kube-controller-manager',
  'kube-scheduler',
];
const NODE: readonly ProgramName[] = ['kubelet', 'containerd', 'containerd-shim-runc-v2', 'ctr'];

for (const name of [...CONTROL_PLANE, ...NODE]) await binary(name);
await buildPorchRunner();
