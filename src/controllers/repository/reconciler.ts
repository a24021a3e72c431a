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
import type { ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import { packageRevisionName } from '../../repository/names.ts';
import type { RepositorySnapshot, RevisionInfo } from '../../repository/types.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { ObjectReport } from '../report.ts';
import { type KnownRevision, planDiscovery } from './plan.ts';

/** How often a repository is looked at when nothing else asks for it. */
const DEFAULT_SYNC_MS = 3_600_000;
type Warning = RepositorySnapshot['warnings'][number];

/** Objects created at once after a sync. */
const CREATE_CONCURRENCY = 32;
/** Warnings kept in status. */
const MAX_WARNINGS = 20;

/**
 * Keeps a repository mirrored and its revisions known as PackageRevision objects. Observes: the Repository and git.
 * Writes: PackageRevision objects of revisions found in git, the Repository's status. Never writes git.
 */
export class RepositoryReconciler implements Reconciler {
  readonly name = 'repository';
  readonly workers: number;
  readonly #env: ControllerEnvironment;
  /** When each repository was asked for its refs last, and for which generation of its object. */
  readonly #synced = new Map<string, { readonly at: number; readonly of: string }>();

  constructor(env: ControllerEnvironment, workers: number) {
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
      const ignored = await this.#discover(object, snapshot, report, signal);
      this.#report(report, object, { ...snapshot, warnings: [...ignored, ...snapshot.warnings] }, now());
      if (dueInMs <= 0) this.#synced.set(key, { at: now().getTime(), of });
      report.requeueAfter(dueInMs > 0 ? dueInMs : DEFAULT_SYNC_MS);
    } catch (error) {
      report.failed(error);
    }
    return report.write();
  }

  #report(report: ObjectReport<Repository>, object: Repository, snapshot: RepositorySnapshot, now: Date): void {
    const packages = new Set(snapshot.revisions.map((revision) => revision.package));
    const changed = object.status?.gitCommitHash !== snapshot.head || object.status?.packageCount !== packages.size;
    report.status({
      packageCount: packages.size,
      ...(snapshot.head ? { gitCommitHash: snapshot.head } : {}),
      warnings: snapshot.warnings.slice(0, MAX_WARNINGS),
      lastFullSyncTime: changed ? now.toISOString() : (object.status?.lastFullSyncTime ?? now.toISOString()),
    });
    report.ready('Ready', `${snapshot.revisions.length} revisions of ${packages.size} packages`);
  }

  /** @returns a warning for each revision that cannot have an object */
  async #discover(
    object: Repository,
    snapshot: RepositorySnapshot,
    report: ObjectReport<Repository>,
    signal: AbortSignal,
  ): Promise<readonly Warning[]> {
    const known = this.#env.revisions.byIndex(INDEX.repository, objectKey(object.metadata)).map(knownRevision);
    const plan = planDiscovery(snapshot.revisions, known);
    for (const key of plan.wake) this.#env.wake.revision(key);
    const ignored: Warning[] = [];
    for (let start = 0; start < plan.create.length; start += CREATE_CONCURRENCY) {
      const slice = plan.create.slice(start, start + CREATE_CONCURRENCY);
      const faults = await Promise.all(slice.map((info) => this.#create(object, info, signal)));
      ignored.push(...faults.filter((fault) => fault !== undefined));
    }
    for (const { ref, message } of ignored) report.warning('RevisionIgnored', `${ref}: ${message}`);
    return ignored;
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

function knownRevision({ metadata, spec, status }: PackageRevision): KnownRevision {
  return {
    key: objectKey(metadata),
    package: spec.packageName,
    workspace: spec.workspaceName,
    seenCommit: status?.observedCommit,
    seenTree: status?.packageTree,
    seenLifecycle: status?.observedLifecycle,
    seenLatest: metadata.labels?.[LATEST_REVISION_LABEL] === 'true',
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
