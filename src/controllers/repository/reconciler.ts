import { ConflictError, TerminalError } from '../../api/errors.ts';
import { PACKAGE_REVISION, type PackageRevision, type Repository } from '../../api/kinds.ts';
import {
  FIELD_MANAGER,
  LATEST_REVISION_LABEL,
  PACKAGE_REVISION_FINALIZER,
  REPOSITORY_LABEL,
  VARIANT_ANNOTATION,
} from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import type { Lister, ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import { retryPolicy } from '../../kube/result.ts';
import { packageRevisionName } from '../../repository/names.ts';
import type { RefWarning, RepositorySnapshot, RevisionInfo } from '../../repository/types.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { publishedTag } from '../package-revision/observe.ts';
import { ObjectReport } from '../report.ts';
import { type KnownRevision, planDiscovery } from './plan.ts';

/** How often a repository is looked at when nothing else asks for it. */
const DEFAULT_SYNC_MS = 3_600_000;

/** With a reason where somebody has to be told by an event. */
interface Warning extends Omit<RefWarning, 'reason'> {
  readonly reason?: RefWarning['reason'] | 'Vanished' | 'RevisionIgnored';
}

/** Objects created at once after a sync. */
const CREATE_CONCURRENCY = 32;
/** Warnings kept in status. */
const MAX_WARNINGS = 20;

type RepositoryEnvironment = Pick<ControllerEnvironment, 'store' | 'gateway' | 'events' | 'logger' | 'wake'> & {
  readonly repositories: Lister<Repository>;
  readonly revisions: Lister<PackageRevision>;
};

/**
 * Keeps a repository mirrored and its revisions known as PackageRevision objects. Observes: the Repository and git.
 * Writes: PackageRevision objects of revisions found in git, the Repository's status. Never writes git.
 */
export class RepositoryReconciler implements Reconciler {
  readonly name = 'repository';
  readonly workers: number;
  readonly #env: RepositoryEnvironment;
  /** When each repository was asked for its refs last, and for which generation of its object. */
  readonly #synced = new Map<string, { readonly at: number; readonly of: string }>();

  constructor(env: RepositoryEnvironment, workers: number) {
    this.#env = env;
    this.workers = workers;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const object = this.#env.repositories.get(key);
    if (!object || object.metadata.deletionTimestamp !== undefined) {
      this.#synced.delete(key);
      await this.#env.gateway.close(key);
      return undefined;
    }
    const { signal, now } = context;
    const of = `${object.metadata.uid} ${object.metadata.generation}`;
    const last = this.#synced.get(key);
    const dueInMs = last?.of === of ? last.at + DEFAULT_SYNC_MS - now().getTime() : 0;
    const report = new ObjectReport(this.#env, object, context);
    try {
      const repository = await this.#env.gateway.open(object);
      const snapshot = dueInMs > 0 ? await repository.snapshot({ signal }) : await repository.sync({ signal });
      const found = await this.#discover(object, snapshot, signal);
      this.#report(report, object, snapshot, now());
      this.#warn(report, object, [...found, ...snapshot.warnings]);
      if (dueInMs <= 0) this.#synced.set(key, { at: now().getTime(), of });
      report.requeueAfter(dueInMs > 0 ? dueInMs : DEFAULT_SYNC_MS);
    } catch (error) {
      report.failed(error);
      // What only a change can help may be changed in git, which tells nobody.
      if (retryPolicy(error) === 'terminal') this.#env.wake.repository(key, DEFAULT_SYNC_MS);
    }
    return report.write();
  }

  #report(report: ObjectReport<Repository>, object: Repository, snapshot: RepositorySnapshot, now: Date): void {
    const packages = new Set(snapshot.revisions.map((revision) => revision.package));
    const changed = object.status?.gitCommitHash !== snapshot.head || object.status?.packageCount !== packages.size;
    report.status({
      packageCount: packages.size,
      ...(snapshot.head ? { gitCommitHash: snapshot.head } : {}),
      lastFullSyncTime: changed ? now.toISOString() : (object.status?.lastFullSyncTime ?? now.toISOString()),
    });
    report.ready('Ready', `${snapshot.revisions.length} revisions of ${packages.size} packages`);
  }

  /** Events tell what the status did not show before. */
  #warn(report: ObjectReport<Repository>, object: Repository, warnings: readonly Warning[]): void {
    const known = object.status?.warnings ?? [];
    for (const { ref, message, reason } of warnings) {
      const isNew = !known.some((warning) => warning.ref === ref && warning.message === message);
      if (isNew && reason !== undefined) report.warning(reason, `${ref}: ${message}`);
    }
    report.status({ warnings: warnings.slice(0, MAX_WARNINGS).map(({ ref, message }) => ({ ref, message })) });
  }

  /** @returns a warning for each published revision that has vanished and for each that cannot have an object */
  async #discover(object: Repository, snapshot: RepositorySnapshot, signal: AbortSignal): Promise<readonly Warning[]> {
    const known = this.#env.revisions.byIndex(INDEX.repository, objectKey(object.metadata)).map(knownRevision);
    const plan = planDiscovery(snapshot.revisions, known);
    for (const key of plan.wake) this.#env.wake.revision(key);
    const warnings = plan.vanished.map(vanishedWarning);
    for (let start = 0; start < plan.create.length; start += CREATE_CONCURRENCY) {
      const slice = plan.create.slice(start, start + CREATE_CONCURRENCY);
      const faults = await Promise.all(slice.map((info) => this.#create(object, info, signal)));
      warnings.push(...faults.filter((fault) => fault !== undefined));
    }
    return warnings;
  }

  /**
   * A revision whose name makes no object name (a tag of somebody else's scheme), or one that another package has
   * already, is passed over.
   * @returns why it was
   */
  async #create(repository: Repository, info: RevisionInfo, signal: AbortSignal): Promise<Warning | undefined> {
    const object = discoveredRevision(repository, info);
    const ignored = (why: string): Warning => ({
      ref: info.ref,
      message: `package ${info.package} is ignored: ${why}`,
      reason: 'RevisionIgnored',
    });
    try {
      await this.#env.store.create(object, { fieldManager: FIELD_MANAGER, signal });
      return undefined;
    } catch (error) {
      if (error instanceof ConflictError && error.reason === 'AlreadyExists') {
        const holder = this.#env.revisions.get(objectKey(object.metadata));
        const other = holder?.spec.packageName ?? info.package;
        return other === info.package ? undefined : ignored(`${object.metadata.name} stands for package ${other}`);
      }
      if (!(error instanceof TerminalError)) throw error;
      return ignored(error.message);
    }
  }
}

function vanishedWarning({ package: name, seenTag }: KnownRevision): Warning {
  const message = `the tag of a published revision of package ${name} is gone; restore it or delete the revision's object`;
  return { ref: `refs/tags/${seenTag}`, message, reason: 'Vanished' };
}

function knownRevision(object: PackageRevision): KnownRevision {
  const { metadata, spec, status } = object;
  return {
    key: objectKey(metadata),
    package: spec.packageName,
    workspace: spec.workspaceName,
    seenCommit: status?.observedCommit,
    seenTree: status?.packageTree,
    seenLifecycle: status?.observedLifecycle,
    seenLatest: metadata.labels?.[LATEST_REVISION_LABEL] === 'true',
    seenTag: metadata.deletionTimestamp === undefined ? publishedTag(object) : undefined,
  };
}

/** The object of a revision that was found in git; its source stays unset, since git holds the content already. */
function discoveredRevision({ apiVersion, kind, metadata }: Repository, info: RevisionInfo): PackageRevision {
  return {
    apiVersion: PACKAGE_REVISION.apiVersion,
    kind: PACKAGE_REVISION.kind,
    metadata: {
      name: packageRevisionName(metadata.name, info.package, info.workspace),
      namespace: metadata.namespace,
      labels: { [REPOSITORY_LABEL]: metadata.name },
      ...(info.origin?.variant ? { annotations: { [VARIANT_ANNOTATION]: info.origin.variant } } : {}),
      finalizers: info.branchHead ? [] : [PACKAGE_REVISION_FINALIZER],
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' }],
    },
    spec: {
      packageName: info.package,
      repository: metadata.name,
      workspaceName: info.workspace,
      lifecycle: info.lifecycle,
    },
  };
}
