import { TerminalError } from '../../api/errors.ts';
import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { objectKey } from '../../api/object.ts';
import { validateRevisionName } from '../../repository/names.ts';
import type { Injectables } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { variantInputHash, wantedInputs } from './inputs.ts';
import { madeFromInputs, observeDownstream, repositoryFault, resolveUpstream, type VariantListers } from './observe.ts';
import { planVariant, type VariantPlan } from './plan.ts';
import { currentRejection, type DeletedDraft, type Rejection, rejectionMessage } from './rejection.ts';
import { validateVariant } from './validate.ts';

/** A plan together with what it was made from; what a preview prints and a reconcile carries out. */
export interface VariantDecision {
  readonly plan: VariantPlan;
  readonly upstream?: PackageRevision;
  readonly inputHash?: string;
  /** What a person rejected and is still to be remembered. */
  readonly rejected?: Rejection;
}

/**
 * Reads only caches; the same caches give the same decision.
 * @param deleted draft of the variant that somebody deleted since the last look
 */
export function decideVariant(
  variant: PackageVariant,
  listers: VariantListers,
  injectables: Pick<Injectables, 'byName'>,
  deleted?: DeletedDraft,
): VariantDecision {
  try {
    validateVariant(variant);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return { plan: { action: 'blocked', reason: error.reason, message: error.message, retry: false } };
  }
  const rival = olderRival(variant, listers);
  if (rival)
    return blocked('DownstreamConflict', `PackageVariant ${rival.metadata.name} writes to the same downstream package`);
  const upstream = resolveUpstream(variant, listers);
  if (!('revision' in upstream)) return { plan: { action: 'blocked', ...upstream } };
  const { repo } = variant.spec.downstream;
  const fault = repositoryFault(listers.repositories.get(`${variant.metadata.namespace ?? ''}/${repo}`), repo);
  if (fault) return { plan: { action: 'blocked', ...fault, retry: true }, upstream: upstream.revision };
  const inputHash = variantInputHash(variant, upstream.revision, injectables);
  const rejected = currentRejection(variant, deleted, inputHash, madeFrom(variant, listers, inputHash));
  const plan = planVariant({
    ...(rejected ? { rejected: rejectionMessage(rejected) } : {}),
    wanted: wantedInputs(inputHash),
    adoptExisting: variant.spec.adoptionPolicy === 'adoptExisting',
    revisions: observeDownstream(variant, listers, upstream.revision),
  });
  return { plan: nameFault(variant, plan) ?? plan, upstream: upstream.revision, inputHash, rejected };
}

/** Why the draft that is planned can have no object. */
function nameFault({ spec }: PackageVariant, plan: VariantPlan): VariantPlan | undefined {
  if (!('workspace' in plan)) return undefined;
  try {
    validateRevisionName(spec.downstream.repo, spec.downstream.package, plan.workspace);
    return undefined;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const message = `spec.downstream.package: ${error.message}`;
    return { action: 'blocked', reason: error.reason, message, retry: false };
  }
}

/** The variant's draft, or what became of it, that holds these inputs. */
function madeFrom(
  { metadata }: PackageVariant,
  { revisions }: VariantListers,
  inputHash: string,
): PackageRevision | undefined {
  return revisions
    .byIndex(INDEX.variant, objectKey(metadata))
    .find((revision) => revision.metadata.deletionTimestamp === undefined && madeFromInputs(revision) === inputHash);
}

/** Of two variants with one downstream the older one has it; the name decides between equals. */
function olderRival(variant: PackageVariant, { variants }: VariantListers): PackageVariant | undefined {
  const { repo, package: pkg } = variant.spec.downstream;
  const age = (candidate: PackageVariant): string =>
    `${candidate.metadata.creationTimestamp ?? ''} ${candidate.metadata.name}`;
  return variants
    .byIndex(INDEX.downstream, `${variant.metadata.namespace ?? ''}/${repo}/${pkg}`)
    .find((other) => objectKey(other.metadata) !== objectKey(variant.metadata) && age(other) < age(variant));
}

function blocked(reason: string, message: string): VariantDecision {
  return { plan: { action: 'blocked', reason, message, retry: false } };
}
