import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TerminalError, TransientError } from '../../../src/api/errors.ts';
import {
  ALL_KINDS,
  FUNCTION_CONFIG,
  type FunctionConfig,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { type ClosableRenderer, openRenderer } from '../../../src/cli/renderer.ts';
import type { FunctionRuntimes } from '../../../src/controllers/function-config/reconciler.ts';
import { type FunctionRules, functionRules } from '../../../src/controllers/function-config/rules.ts';
import { Operator } from '../../../src/controllers/operator.ts';
import { RepositoryGateway } from '../../../src/controllers/repository/gateway.ts';
import type { FunctionRuntime } from '../../../src/functions/types.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { wantedImage } from '../../../src/runtimes/container-image.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, NAMESPACE } from './support.ts';

const PREFIX = 'example.com/fns';
const SYSTEM = 'veranda-system';
const REVISION = 'drafts.app.first';

let folder: string;
let bench: Bench;

/** Functions that are killed unless a FunctionConfig gives them 1Gi. */
class Memory implements FunctionRuntimes {
  rules: FunctionRules = functionRules([], PREFIX);
  attempts = 0;

  get rulesVersion(): string {
    return this.rules.version;
  }

  use(rules: FunctionRules): void {
    this.rules = rules;
  }

  /** What a registry says of images that cannot be looked up. */
  readonly missing = new Map<string, string>();
  readonly warm: string[] = [];

  async warmUp(image: string): Promise<void> {
    const said = this.missing.get(image);
    if (said !== undefined) throw new TransientError('ImagePull', said);
    this.warm.push(image);
  }

  readonly hosted: FunctionRuntime = {
    name: 'pod',
    runner: (spec) => ({
      resolved: spec.image ?? '',
      runtime: 'pod',
      run: async ({ items }) => {
        this.attempts += 1;
        const wanted = wantedImage(spec);
        const { limits } = (wanted && this.rules.podSettings(wanted).resources) ?? {};
        if (limits?.memory === '1Gi') return { items, results: [], exitCode: 0 };
        throw new TerminalError('OOMKilled', `the function was killed at ${limits?.memory}`);
      },
    }),
  };
}

/** The controllers with functions that can be configured, on an embedded store. */
class Bench {
  readonly memory = new Memory();
  readonly #store = new EmbeddedStore({ kinds: ALL_KINDS.map((kind) => ({ kind })) });
  readonly #renderer: ClosableRenderer;
  readonly #gateway: RepositoryGateway;
  readonly #operator: Operator;

  constructor() {
    const store = this.#store;
    const nothing = { onChange: () => undefined };
    this.#renderer = openRenderer({ hosted: this.memory.hosted, allowedImages: [PREFIX] });
    this.#gateway = new RepositoryGateway({
      mirrors: join(folder, 'mirrors'),
      allowLocal: true,
      credentials: () => undefined,
      now: () => Date.now(),
    });
    this.#operator = new Operator({
      store,
      informers: {
        repositories: new SharedInformer(store, REPOSITORY, { logger: nullLogger }),
        revisions: new SharedInformer(store, PACKAGE_REVISION, { logger: nullLogger }),
        variants: new SharedInformer(store, PACKAGE_VARIANT, { logger: nullLogger }),
        variantSets: new SharedInformer(store, PACKAGE_VARIANT_SET, { logger: nullLogger }),
      },
      functions: {
        configs: new SharedInformer(store, FUNCTION_CONFIG, { logger: nullLogger }),
        runtimes: this.memory,
        namespace: SYSTEM,
        imagePrefix: PREFIX,
      },
      gateway: this.#gateway,
      injectables: { ...nothing, list: async () => [], byName: () => [] },
      selectables: { ...nothing, list: async () => [] },
      secrets: () => async () => undefined,
      secretChanges: nothing,
      renderer: this.#renderer,
      events: { record: () => undefined },
      logger: nullLogger,
    });
  }

  start(): Promise<void> {
    return this.#operator.start(AbortSignal.timeout(60_000));
  }

  async stop(): Promise<void> {
    await this.#operator.stop();
    await this.#gateway.closeAll();
    await this.#renderer.close();
  }

  async apply(object: KubeObject): Promise<void> {
    await this.#store.apply(object, { fieldManager: 'test' });
  }

  /** Waits until the Ready condition of a FunctionConfig has the reason, at the generation that was applied last. */
  async configured(name: string, reason: string, namespace = SYSTEM): Promise<FunctionConfig> {
    for (;;) {
      const found = await this.#store.get(FUNCTION_CONFIG, { namespace, name });
      const ready = found && condition(found, 'Ready');
      if (ready?.reason === reason && ready.observedGeneration === found?.metadata.generation) {
        return found as FunctionConfig;
      }
      await sleep(20);
    }
  }

  /** Waits until the revision's Ready condition has the reason. */
  async ready(reason: string): Promise<void> {
    for (;;) {
      const revision = await this.#store.get(PACKAGE_REVISION, { namespace: NAMESPACE, name: REVISION });
      if (revision && condition(revision, 'Ready')?.reason === reason) return;
      await sleep(20);
    }
  }
}

function config(memory: string, image = 'hungry'): FunctionConfig {
  const { apiVersion, kind } = FUNCTION_CONFIG;
  const podExecutor = { resources: { limits: { memory } } };
  return { apiVersion, kind, metadata: { name: image, namespace: SYSTEM }, spec: { image, podExecutor } };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-functions-'));
  const remote = await BareRepository.create(join(folder, 'drafts.git'));
  const pipeline = `pipeline:\n  mutators:\n    - image: ${PREFIX}/hungry:v1\n`;
  await remote.commit('main', {
    'base/Kptfile': `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: base\n${pipeline}`,
    'base/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n',
  });
  bench = new Bench();
  await bench.start();
  const metadata = { name: 'drafts', namespace: NAMESPACE };
  const git = { repo: remote.path, branch: 'main' };
  await bench.apply({ ...REPOSITORY, metadata, spec: { type: 'git', git } } as KubeObject);
  await bench.apply({
    apiVersion: PACKAGE_REVISION.apiVersion,
    kind: PACKAGE_REVISION.kind,
    metadata: { name: REVISION, namespace: NAMESPACE },
    spec: {
      packageName: 'app',
      repository: 'drafts',
      workspaceName: 'first',
      lifecycle: 'Draft',
      source: { cloneFrom: { git: { repo: remote.path, ref: 'main', directory: 'base' } } },
    },
  } as KubeObject);
});

afterEach(async () => {
  await bench.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

describe('a revision whose function has failed for good', () => {
  test('X-09: recovers by itself once a FunctionConfig gives the function what it needs', async () => {
    await bench.ready('OOMKilled');
    await bench.apply(config('1Gi'));
    await bench.ready('Ready');
  });

  test('is tried once after each change of how functions are run, and not after a change that says the same', async () => {
    await bench.ready('OOMKilled');
    const before = bench.memory.attempts;
    await bench.apply(config('600Mi'));
    const attempted = async (attempts: number) => {
      while (bench.memory.attempts < before + attempts) await sleep(20);
    };
    await attempted(1);
    await bench.apply({ ...config('600Mi'), metadata: { ...config('600Mi').metadata, labels: { a: 'b' } } });
    await bench.apply(config('700Mi'));
    await attempted(2);
    await bench.apply(config('1Gi'));
    await bench.ready('Ready');
    expect(bench.memory.attempts).toBe(before + 3);
  });
});

describe('what a FunctionConfig says of itself', () => {
  const tagged = (name: string, tags: readonly string[]): FunctionConfig => {
    const { apiVersion, kind } = FUNCTION_CONFIG;
    return {
      apiVersion,
      kind,
      metadata: { name, namespace: SYSTEM },
      spec: { image: 'other', podExecutor: { tags: [...tags] } },
    };
  };

  test('that it counts, at which generation, in the fields of Porch too, and each of its tags is warm', async () => {
    await bench.apply(tagged('other', ['v1', 'v2']));
    const { metadata, status } = await bench.configured('other', 'Applied');
    const { generation } = metadata;
    expect(status).toMatchObject({
      conditions: [{ type: 'Ready', status: 'True', observedGeneration: generation }],
      apiServerObservedGeneration: generation,
      functionRunnerObservedGeneration: generation,
      controllerObservedGeneration: generation,
    });
    expect(status?.error).toBeUndefined();
    expect([...new Set(bench.memory.warm)]).toEqual([`${PREFIX}/other:v1`, `${PREFIX}/other:v2`]);

    await bench.apply(tagged('other', ['v3']));
    const changed = await bench.configured('other', 'Applied');
    expect(changed.status?.controllerObservedGeneration).toBe((generation ?? 0) + 1);
    expect(bench.memory.warm).toContain(`${PREFIX}/other:v3`);
  });

  test("an image that cannot be looked up, with the registry's words; another tag puts it right", async () => {
    bench.memory.missing.set(`${PREFIX}/other:v9`, 'TagNotFound: manifest unknown');
    await bench.apply(tagged('other', ['v1', 'v9']));
    const { status } = await bench.configured('other', 'WarmUpFailed');
    expect(status?.error).toContain(`${PREFIX}/other:v9: ImagePull: TagNotFound: manifest unknown`);
    // The others are warm all the same.
    expect(bench.memory.warm).toContain(`${PREFIX}/other:v1`);
    await bench.apply(tagged('other', ['v1']));
    expect((await bench.configured('other', 'Applied')).status?.error).toBeUndefined();
  });

  test('that another one configures the same already, and that it is in a namespace that does not count', async () => {
    await bench.apply(tagged('other', ['v1']));
    await bench.configured('other', 'Applied');
    await bench.apply(tagged('younger', ['v1']));
    expect((await bench.configured('younger', 'Conflict')).status?.error).toContain('other configures the same');
    const elsewhere = { ...config('1Gi'), metadata: { name: 'hungry', namespace: NAMESPACE } };
    await bench.apply(elsewhere);
    const { status } = await bench.configured('hungry', 'IgnoredNamespace', NAMESPACE);
    expect(status?.error).toContain(SYSTEM);
    await bench.ready('OOMKilled');
  });
});
