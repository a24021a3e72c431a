import { availableParallelism } from 'node:os';
import { TerminalError, TransientError } from '../../api/errors.ts';
import type { PackageRevision, PackageVariant, Repository } from '../../api/kinds.ts';
import { PUSH_ON_RENDER_FAILURE_ANNOTATION, TRUST_OLD_UPSTREAM_ANNOTATION } from '../../api/labels.ts';
import { objectKey, objectLabel } from '../../api/object.ts';
import { FairQueue } from '../../concurrency/fair-queue.ts';
import type { Place } from '../../concurrency/place.ts';
import type { KrmMap } from '../../krm/value.ts';
import { retryPolicy } from '../../kube/result.ts';
import { packageRevisionName, validateRevisionName } from '../../repository/names.ts';
import type { Draft, PackageRepository, RevisionInfo, VariantRecord } from '../../repository/types.ts';
import { commitTo, type MutationsRequest, TaskHandler, type TaskOutcome } from '../../task/handler.ts';
import { fromSource } from '../../task/source.ts';
import type { Mutation, MutationContext, PackageSources } from '../../task/types.ts';
import { variantMutations } from '../../task/variant.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { variantInputHash } from '../package-variant/inputs.ts';
import { resolveUpstream } from '../package-variant/observe.ts';
import { packageSources } from './sources.ts';

/** What a step did to the content of a revision. */
export interface ContentChange {
  readonly outcome: TaskOutcome;
  /** The revision as it stands in git afterwards. */
  readonly info: RevisionInfo;
  /** Inputs that are in the content now. */
  readonly inputHash?: string;
}

/** Everything that a step on content needs to know. */
export interface ContentRequest {
  readonly object: PackageRevision;
  readonly repositoryObject: Repository;
  readonly repository: PackageRepository;
  /** The variant that wants this revision, if one does. */
  readonly variant?: PackageVariant;
  readonly signal: AbortSignal;
}

/** Packages that are worked on at the same time: a few for each core, since some wait for workers and containers. */
const PACKAGES = 4 * availableParallelism();
/** Less than all, so that the next repository always finds a place. */
const PACKAGES_PER_REPOSITORY = PACKAGES - availableParallelism();

/** The only place that runs tasks on content and writes what comes out: one commit, one push. */
export class RevisionContent {
  readonly #env: ControllerEnvironment;
  readonly #handler = new TaskHandler();
  /** Callers are the workers of one controller, so their number is bounded already. */
  readonly #places = new FairQueue({
    total: PACKAGES,
    perLane: PACKAGES_PER_REPOSITORY,
    backlogPerLane: Number.POSITIVE_INFINITY,
  });

  constructor(env: ControllerEnvironment) {
    this.#env = env;
  }

  /** Runs the object's task and the variant's mutations and makes the draft. */
  async create(request: ContentRequest): Promise<ContentChange> {
    const { object, repository, signal } = request;
    checkName(object);
    const task = fromSource(object.spec.source ?? {});
    const wanted = this.#variantInputs(request);
    const wishes = { mutations: wanted.mutations, metadata: metadataOf(object) };
    this.#env.logger.debug('task', { task: task.type, repository: object.spec.repository });
    // A published package that does not render is mended in a copy, so there must be one.
    const isToBeEdited = object.spec.source?.copyFrom !== undefined && request.variant === undefined;
    const pushOnRenderFailure = isToBeEdited || pushesFailures(object);
    const outcome = await this.#compute(request, (context) =>
      this.#handler.applyTask(task, { ...wishes, pushOnRenderFailure }, context),
    );
    return write(await repository.createDraft(keyOf(object), { signal }), outcome, wanted.origin);
  }

  /** Applies the variant's inputs and the object's metadata to a draft and renders it. */
  async mutate(request: ContentRequest, current: RevisionInfo): Promise<ContentChange> {
    const { mutations, origin } = this.#variantInputs(request);
    return this.#change(request, current, { mutations, metadata: metadataOf(request.object) }, origin);
  }

  /**
   * Whether the variant's inputs would change published content; nothing is written. What cannot be done to it is no fault of the
   * published revision: the draft that is made for it tells.
   */
  async compare(
    request: ContentRequest,
    current: RevisionInfo,
  ): Promise<{ readonly differs: boolean; readonly inputHash?: string }> {
    const wanted = this.#variantInputs(request);
    const content = await request.repository.read(current.commit, current.package, { signal: request.signal });
    const differs = await this.#compute(request, async (context) => {
      try {
        return await this.#handler.wouldChange(content, wanted.mutations, context);
      } catch (error) {
        if (retryPolicy(error) === 'terminal') return true;
        throw error;
      }
    });
    return { differs, inputHash: wanted.origin?.inputHash };
  }

  /** Renders what somebody pushed to a draft; the push stays as the parent commit. */
  async render(request: ContentRequest, current: RevisionInfo): Promise<ContentChange> {
    return this.#change(request, current, {}, current.origin);
  }

  async #change(
    request: ContentRequest,
    current: RevisionInfo,
    wishes: MutationsRequest,
    origin: VariantRecord | undefined,
  ): Promise<ContentChange> {
    const { object, repository, signal } = request;
    const content = await repository.read(current.commit, current.package, { signal });
    const all = { ...wishes, pushOnRenderFailure: pushesFailures(object) };
    const outcome = await this.#compute(request, (context) =>
      this.#handler.doPackageRevisionMutations(content, all, context),
    );
    return write(await repository.openDraft(current, { signal }), outcome, origin);
  }

  /** In turn with other repositories. Neither sources nor pushes are waited for in a place: remotes may be slow. */
  async #compute<T>(request: ContentRequest, work: (context: MutationContext) => Promise<T>): Promise<T> {
    const context = await this.#context(request);
    const lane = objectKey(request.repositoryObject.metadata);
    const job = (place: Place) => work({ ...context, sources: outside(place, context.sources) });
    return this.#places.runWithPlace(lane, job, { signal: request.signal });
  }

  /** Mutations of the owning variant and the hash of the inputs they stand for, from the caches as they are now. */
  #variantInputs({ object, variant }: ContentRequest): {
    readonly mutations: readonly Mutation[];
    readonly origin?: VariantRecord;
  } {
    if (!variant) return { mutations: [] };
    const upstream = resolveUpstream(variant, this.#env);
    if (!('revision' in upstream)) {
      // What passes by itself must not count as a failure for good of these inputs.
      const Failure = upstream.retry ? TransientError : TerminalError;
      throw new Failure(upstream.reason, upstream.message, { object: objectLabel(object) });
    }
    const namespace = object.metadata.namespace ?? '';
    const lookup = async (apiVersion: string, kind: string): Promise<readonly KrmMap[]> =>
      (await this.#env.injectables.list(namespace, apiVersion, kind)) as unknown as readonly KrmMap[];
    return {
      mutations: variantMutations({ name: variant.metadata.name, ...variant.spec }, lookup),
      origin: {
        variant: objectKey(variant.metadata),
        inputHash: variantInputHash(variant, upstream.revision, this.#env.injectables),
      },
    };
  }

  async #context(request: ContentRequest): Promise<MutationContext> {
    const { object, repository, repositoryObject, signal } = request;
    const { revisions } = await repository.snapshot({ signal });
    return {
      target: {
        ...keyOf(object),
        object: objectLabel(object),
        repository: object.spec.repository,
        deployment: repositoryObject.spec.deployment ?? false,
        existingPackages: [...new Set(revisions.map((revision) => revision.package))],
        trustOldUpstream: isAnnotated(object, TRUST_OLD_UPSTREAM_ANNOTATION),
      },
      sources: packageSources(this.#env, object.metadata.namespace ?? ''),
      renderer: this.#env.renderer,
      merger: this.#env.merger,
      signal,
    };
  }
}

/** One commit, if there is anything to commit, and one push. */
async function write(draft: Draft, outcome: TaskOutcome, origin: VariantRecord | undefined): Promise<ContentChange> {
  await commitTo(draft, outcome, { origin });
  return { outcome, info: await draft.close('Draft'), inputHash: origin?.inputHash };
}

function outside(place: Place, sources: PackageSources): PackageSources {
  return {
    revision: (name, signal) => place.outside(() => sources.revision(name, signal)),
    git: (source, signal) => place.outside(() => sources.git(source, signal)),
    image: (source, signal) => place.outside(() => sources.image(source, signal)),
    locked: (lock, signal) => place.outside(() => sources.locked(lock, signal)),
  };
}

/**
 * Names follow from the spec, so that one revision cannot have two objects.
 * @throws TerminalError InvalidName
 */
function checkName(object: PackageRevision): void {
  const { repository, packageName, workspaceName } = object.spec;
  validateRevisionName(repository, packageName, workspaceName);
  const expected = packageRevisionName(repository, packageName, workspaceName);
  if (object.metadata.name === expected) return;
  throw new TerminalError('InvalidName', `must be ${expected}: repository, package and workspace`, {
    object: objectLabel(object),
    field: 'metadata.name',
  });
}

function keyOf(object: PackageRevision): { readonly package: string; readonly workspace: string } {
  return { package: object.spec.packageName, workspace: object.spec.workspaceName };
}

function metadataOf({ spec }: PackageRevision): {
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
  readonly readinessGates?: readonly string[];
} {
  return {
    labels: spec.packageMetadata?.labels,
    annotations: spec.packageMetadata?.annotations,
    readinessGates: spec.readinessGates?.map((gate) => gate.conditionType),
  };
}

function pushesFailures(object: PackageRevision): boolean {
  return isAnnotated(object, PUSH_ON_RENDER_FAILURE_ANNOTATION);
}

function isAnnotated({ metadata }: PackageRevision, annotation: string): boolean {
  return metadata.annotations?.[annotation] === 'true';
}
