import PQueue from 'p-queue';
import { describeError, TerminalError } from '../../api/errors.ts';
import { PACKAGE_VARIANT, type PackageVariant, type PackageVariantSet } from '../../api/kinds.ts';
import { FIELD_MANAGER } from '../../api/labels.ts';
import type { ObjectStore } from '../../kube/store.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import { notReady, placeOf, type TargetOutcome, variantOutcome } from './outcome.ts';
import { claimPatch, ownedMetadata, patchBetween } from './ownership.ts';
import type { PlannedVariant } from './types.ts';

/** Writes of one set that are under way at the same time. */
const CONCURRENCY = 16;

/** Carries planned changes of a set's variants out, several at a time; one that fails stops no other. */
export class VariantWrites {
  readonly #store: ObjectStore;
  readonly #signal: AbortSignal;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });

  constructor(store: ObjectStore, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  apply(set: PackageVariantSet, variants: readonly PlannedVariant[]): Promise<readonly TargetOutcome[]> {
    return this.#queue.addAll(variants.map((planned) => () => this.#apply(set, planned)));
  }

  /** What went wrong, and how many have gone. */
  async remove(
    variants: readonly PackageVariant[],
  ): Promise<{ readonly removed: number; readonly failures: readonly unknown[] }> {
    const results = await this.#queue.addAll(variants.map((variant) => () => this.#remove(variant)));
    const failures = results.flat();
    return { removed: variants.length - failures.length, failures };
  }

  async #apply(set: PackageVariantSet, planned: PlannedVariant): Promise<TargetOutcome> {
    this.#signal.throwIfAborted();
    try {
      return variantOutcome(planned, await this.#write(set, planned));
    } catch (error) {
      this.#signal.throwIfAborted();
      const reason = error instanceof TerminalError ? error.reason : 'WriteFailed';
      const message = sanitiseText(describeError(error));
      if (error instanceof TerminalError) return notReady(placeOf(planned), 'blocked', reason, message);
      return { ...notReady(placeOf(planned), 'progressing', reason, message), retry: error };
    }
  }

  /** What exists is patched, not applied: fields that somebody else has set are to go as well. */
  #write(set: PackageVariantSet, { name, spec, existing }: PlannedVariant): Promise<PackageVariant> {
    const options = { fieldManager: FIELD_MANAGER, signal: this.#signal };
    const { apiVersion, kind } = PACKAGE_VARIANT;
    if (!existing) return this.#store.create({ apiVersion, kind, metadata: ownedMetadata(set, name), spec }, options);
    const metadata = claimPatch(set, existing);
    const patch = { ...(metadata ? { metadata } : {}), spec: patchBetween(existing.spec, spec) };
    return this.#store.patch(PACKAGE_VARIANT, existing.metadata, patch, options);
  }

  async #remove({ metadata }: PackageVariant): Promise<readonly unknown[]> {
    this.#signal.throwIfAborted();
    try {
      await this.#store.delete(PACKAGE_VARIANT, metadata, { uid: metadata.uid, signal: this.#signal });
      return [];
    } catch (error) {
      this.#signal.throwIfAborted();
      return [error];
    }
  }
}
