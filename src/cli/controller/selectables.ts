import { TerminalError, TransientError } from '../../api/errors.ts';
import type { PackageVariantSet } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Selectables } from '../../controllers/environment.ts';
import type { Change, Lister } from '../../kube/controller.ts';
import { type InputKey, type InputWatches, isSecret } from './input-watches.ts';

export interface ClusterSelectablesOptions {
  readonly watches: InputWatches;
  readonly variantSets: Lister<PackageVariantSet>;
}

/** How long a question may wait for the first list. */
const WAIT_MS = 15_000;

/** What a cluster holds for sets to select. Never Secrets, whatever the operator was granted. */
export class ClusterSelectables implements Selectables {
  readonly #watches: InputWatches;

  constructor({ watches, variantSets }: ClusterSelectablesOptions) {
    this.#watches = watches;
    watches.keep(() => variantSets.list().flatMap(selectedKeys));
  }

  onChange(handler: (change: Change<KubeObject>) => void): void {
    this.#watches.onChange(handler);
    this.#watches.onSynced(({ namespace, type }) => handler({ after: { ...type, metadata: { namespace, name: '' } } }));
  }

  async list(namespace: string, apiVersion: string, kind: string, signal: AbortSignal): Promise<readonly KubeObject[]> {
    const type = { apiVersion, kind };
    if (isSecret(type)) return [];
    const watch = this.#watches.of({ namespace, type });
    try {
      await watch.synced(AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]));
    } catch (error) {
      const forbidden = error instanceof TransientError && error.reason === 'InputForbidden';
      throw forbidden ? new TerminalError('NoMatchingTargets', error.message, { cause: error }) : error;
    }
    if (!watch.isServed)
      throw new TerminalError('NoMatchingTargets', `the cluster has no kind ${kind} of ${apiVersion}`);
    return watch.list();
  }
}

function selectedKeys({ metadata, spec }: PackageVariantSet): readonly InputKey[] {
  return (spec?.targets ?? []).flatMap(({ objectSelector }) => {
    if (!objectSelector) return [];
    const { apiVersion, kind } = objectSelector;
    return [{ namespace: metadata.namespace ?? '', type: { apiVersion, kind } }];
  });
}
