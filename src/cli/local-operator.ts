import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../api/errors.ts';
import { ALL_KINDS, PACKAGE_REVISION, PACKAGE_VARIANT, PACKAGE_VARIANT_SET, REPOSITORY, type Repository } from '../api/kinds.ts';
import type { KubeObject } from '../api/object.ts';
import { validateManifest } from '../api/validate.ts';
import { withDefaults } from '../api/defaults.ts';
import type { Injectables } from '../controllers/environment.ts';
import { RepositoryGateway } from '../controllers/repository/gateway.ts';
import { Operator } from '../controllers/operator.ts';
import { EmbeddedStore } from '../kube/adapters/embedded/store.ts';
import type { EventRecorder } from '../kube/controller.ts';
import { SharedInformer } from '../kube/informer.ts';
import type { Logger } from '../observability/logger.ts';
import type { CredentialsProvider } from '../repository/git/types.ts';
import { formatReport, type RunReport } from './report.ts';
import { openRenderer } from './renderer.ts';
import { secretCredentials } from './secrets.ts';

export interface LocalOperatorOptions {
  /** Folder for mirrors and status. */
  readonly workspace: string;
  readonly logger: Logger;
}

/** Reconciles that are due later than this are not waited for: they are periodic looks, not work. */
const IDLE_HORIZON_MS = 60_000;
const STATE_FOLDER = '.veranda';

/** The operator on an embedded store: what `veranda run` works with. Git is all that outlives it. */
export class LocalOperator {
  readonly store: EmbeddedStore;
  readonly #workspace: string;
  readonly #operator: Operator;
  readonly #gateway: RepositoryGateway;
  readonly #renderer = openRenderer();

  constructor({ workspace, logger }: LocalOperatorOptions) {
    this.#workspace = workspace;
    this.store = new EmbeddedStore({ kinds: ALL_KINDS.map((kind) => ({ kind, validate: admission })) });
    const secrets = (namespace: string, name: string): CredentialsProvider => secretCredentials(this.store, namespace, name);
    this.#gateway = new RepositoryGateway({
      mirrors: join(workspace, STATE_FOLDER, 'git'),
      allowLocal: true,
      credentials: ({ metadata, spec }: Repository) =>
        spec.git?.secretRef?.name ? secrets(metadata.namespace ?? '', spec.git.secretRef.name) : undefined,
      now: () => Date.now(),
    });
    this.#operator = new Operator({
      store: this.store,
      informers: {
        repositories: new SharedInformer(this.store, REPOSITORY, { logger }),
        revisions: new SharedInformer(this.store, PACKAGE_REVISION, { logger }),
        variants: new SharedInformer(this.store, PACKAGE_VARIANT, { logger }),
        variantSets: new SharedInformer(this.store, PACKAGE_VARIANT_SET, { logger }),
      },
      isCurrent: (informer) => this.store.isCurrent(informer.kind, informer.resourceVersion),
      gateway: this.#gateway,
      injectables: storeInjectables(this.store),
      secrets,
      renderer: this.#renderer,
      events: loggingRecorder(logger),
      logger,
    });
  }

  /** @throws TerminalError Invalid */
  async apply(object: KubeObject): Promise<void> {
    await this.store.apply(withDefaults(object), { fieldManager: 'veranda-run' });
  }

  /**
   * Works until nothing is left to do.
   * @throws the signal's reason
   */
  async settle(signal: AbortSignal): Promise<void> {
    await this.#operator.start(signal);
    await this.#operator.idle({ horizonMs: IDLE_HORIZON_MS, signal });
  }

  async stop(): Promise<void> {
    await this.#operator.stop();
    await this.#gateway.closeAll();
    await this.#renderer.close();
  }

  async saveStatus(report: RunReport): Promise<void> {
    const folder = join(this.#workspace, STATE_FOLDER);
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'status.yaml');
    await writeFile(`${file}.new`, formatReport(report, 'yaml'));
    await rename(`${file}.new`, file);
  }
}

/** The rules that CRDs state in CEL in a cluster. */
function admission(object: KubeObject, old?: KubeObject): void {
  const [first, ...more] = validateManifest(object, old);
  if (!first) return;
  const message = [first, ...more].map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new TerminalError('Invalid', message, { object: `${object.kind} ${object.metadata.name}`, field: first.field });
}

/** Everything that the manifests brought along may be injected, except secrets. */
function storeInjectables(store: EmbeddedStore): Injectables {
  const injectable = ({ apiVersion, kind }: KubeObject): boolean =>
    kind !== 'Secret' && !ALL_KINDS.some((known) => known.kind === kind && known.apiVersion === apiVersion);
  return {
    list: async (namespace, apiVersion, kind) => {
      const { items } = await store.list({ apiVersion, kind, plural: '', namespaced: true }, { namespace });
      return items.filter(injectable);
    },
    byName: (namespace, name) => store.findByName(namespace, name).filter(injectable),
    onChange: (handler) => {
      store.onChange(({ before, after }) => {
        const object = after ?? before;
        if (object && injectable(object)) handler(object);
      });
    },
  };
}

function loggingRecorder(logger: Logger): EventRecorder {
  return {
    record: ({ kind, metadata }, { type, reason, message }) => {
      logger[type === 'Warning' ? 'warn' : 'info'](message, { kind, object: `${metadata.namespace}/${metadata.name}`, reason });
    },
  };
}
