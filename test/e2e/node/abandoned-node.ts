// Starts a node and waits to be killed. Prints where the node is.
// Usage: node abandoned-node.ts ADMIN_KUBECONFIG NODE_KUBECONFIG
import { startNode } from '../../env/node/node.ts';

const [kubeconfig = '', nodeKubeconfig = ''] = process.argv.slice(2);
const kubeconfigFor = () => Promise.resolve(nodeKubeconfig);
const node = await startNode({ kubeconfig, kubeconfigFor }, { name: 'abandoned' });
process.stdout.write(`${JSON.stringify(node.sandbox)}\n`);
setInterval(() => undefined, 60_000);
