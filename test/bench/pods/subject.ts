import type { FunctionConfig } from '../../../src/api/kinds.ts';
import { readConfiguration } from '../../../src/cli/controller/configuration.ts';
import { ClusterFunctions } from '../../../src/cli/controller/functions.ts';
import { functionRules } from '../../../src/controllers/function-config/rules.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { POD } from '../../../src/runtimes/pod/manifest.ts';
import { answerRequests } from '../support/subject-process.ts';
import { digestOf, type Input } from './inputs.ts';

/** What the bench asks of the process that evaluates; each is answered when it is done. */
export type Request =
  | { readonly kind: 'start'; readonly kubeconfig: string }
  | { readonly kind: 'configure'; readonly configs: readonly FunctionConfig[] }
  /** Answers the digests of what came back, in the order of the inputs. */
  | { readonly kind: 'evaluate'; readonly image: string; readonly inputs: readonly Input[]; readonly atOnce: number }
  | { readonly kind: 'stop' };

const { signal } = new AbortController();
const state: { functions?: ClusterFunctions } = {};

function running(): ClusterFunctions {
  if (state.functions === undefined) throw new Error('nothing is started');
  return state.functions;
}

/** The function runtimes as the operator has them, without its controllers. */
async function start(kubeconfig: string): Promise<void> {
  const settings = await readConfiguration({
    flags: { runtimes: ['pod'], loopbackRegistries: ['true'], maxFunctionPods: ['16'] },
    env: {},
  });
  const client = new HttpApiClient({ credentials: await loadCredentials({ kubeconfig }), userAgent: 'veranda/bench' });
  const store = new KubernetesStore({ client, kinds: [POD] });
  const logger = createLogger({ level: 'warn', format: 'plain', stream: process.stderr });
  state.functions = new ClusterFunctions({ settings, client, store, install: 'bench', logger });
  state.functions.start(signal);
}

async function evaluate({ image, inputs, atOnce }: Extract<Request, { kind: 'evaluate' }>): Promise<readonly string[]> {
  const digests: string[] = [];
  const waiting = inputs.entries();
  const worker = async () => {
    for (const [at, input] of waiting) digests[at] = await evaluateOne(image, input);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return digests;
}

async function evaluateOne(image: string, { items, functionConfig }: Input): Promise<string> {
  const runner = running().hosted.runner({ image });
  if (runner === undefined) throw new Error(`no runtime takes ${image}`);
  const given = items.map((value, at) => ({ value, path: `item-${at}.yaml`, index: 0, id: at }));
  const output = await runner.run({ items: given, functionConfig }, { signal, packagePath: '' });
  if (output.exitCode !== 0) throw new Error(`exit code ${output.exitCode}: ${output.stderr}`);
  return digestOf(output.items.map(({ value }) => value));
}

answerRequests(async (request: Request) => {
  switch (request.kind) {
    case 'start':
      return await start(request.kubeconfig);
    case 'configure':
      return running().use(functionRules(request.configs, ''));
    case 'evaluate':
      return await evaluate(request);
    case 'stop':
      return await running().stop();
  }
});
