import { ConflictError, describeError, TerminalError } from '../../api/errors.ts';
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
import { sameJson } from '../../kube/json.ts';
import { packageRevisionName } from '../../repository/names.ts';
import type { RefWarning, RepositorySnapshot, RevisionInfo } from '../../repository/types.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX, remoteOf } from '../indexes.ts';
import { tellsOfBranchEdit } from '../package-revision/branch-edit.ts';
import { latestLabels } from '../package-revision/labels.ts';
import { publishedTag } from '../package-revision/observe.ts';
import { ObjectReport } from '../report.ts';
import { overlapMessage, placeHolder } from './claim.ts';
import { type DiscoveryPlan, type KnownRevision, planDiscovery } from './plan.ts';
import { nextLook } from './retry.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { type LastSync, planSync, type SyncPlan, shownTimes, syncIdentity } from './sync-plan.ts';

/** With a reason where somebody has to be told by an event. */
interface Warning extends Omit<RefWarning, 'reason'> {
  readonly reason?: RefWarning['reason'] | 'Vanished' | 'RevisionIgnored';
}

interface Discovered {
  readonly snapshot: RepositorySnapshot;
  /** By the package that they are about. */
  readonly warnings: ReadonlyMap<string, readonly Warning[]>;
}

/** Objects created at once after a sync. */
const CREATE_CONCURRENCY = 32;
/** Warnings kept in status. */
const MAX_WARNINGS = 20;

type RepositoryEnvironment = Pick<ControllerEnvironment, 'store' | 'gateway' | 'events' | 'logger' | 'wake'> & {
  readonly repositories: Lister<Repository>;
  readonly revisions: Lister<PackageRevision>;
  /** A repository was read. */
  readonly onSynced?: (key: string) => void;
};

/**
 * Keeps a repository mirrored and its revisions known as PackageRevision objects. Observes: the Repository and git.
 * Writes: PackageRevision objects of revisions found in git, the Repository's status. Never writes git.
 */
export class RepositoryReconciler implements Reconciler {
  readonly name = 'repository';
  readonly workers: number;
  readonly #env: RepositoryEnvironment;
  /** The last look at each repository that succeeded. */
  readonly #synced = new Map<string, LastSync>();
  /** What each repository's objects were compared with last. */
  readonly #discovered = new Map<string, Discovered>();
  /** Those of which all objects are to be compared, though git may not have changed. */
  readonly #anew = new Set<string>();

  constructor(env: RepositoryEnvironment, workers: number) {
    this.#env = env;
    this.workers = workers;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const object = this.#env.repositories.get(key);
    if (!object || object.metadata.deletionTimestamp !== undefined) {
      await this.#forget(key);
      return undefined;
    }
    const report = new ObjectReport(this.#env, object, context);
    const holder = placeHolder(object, this.#env.repositories.byIndex(INDEX.remote, remoteOf(object)));
    if (holder) {
      await this.#forget(key);
      report.blocked('Overlaps', overlapMessage(holder));
      return report.write();
    }
    const plan = planSync(object, this.#schedule(report, object), this.#synced.get(key), context.now());
    try {
      const snapshot = await this.#look(object, plan, context);
      const found = await this.#discover(object, snapshot, plan, context.signal);
      this.#report(report, snapshot, plan);
      this.#warn(report, object, [...found, ...snapshot.warnings]);
      this.#tellTimes(report, object, plan);
      report.requeueAfter(plan.nextInMs);
    } catch (error) {
      // Only a discovery that is complete counts.
      this.#discovered.delete(key);
      this.#failed(report, key, error);
    }
    return report.write();
  }

  /** Objects have gone whose revisions git may still hold: the next reconcile finds them. */
  discoverAnew(key: string): void {
    this.#anew.add(key);
  }

  async #forget(key: string): Promise<void> {
    this.#anew.delete(key);
    this.#synced.delete(key);
    this.#discovered.delete(key);
    await this.#env.gateway.close(key);
  }

  /** One that cannot be read is said, and no reason not to look at all. */
  #schedule(report: ObjectReport<Repository>, object: Repository): Schedule {
    const key = objectKey(object.metadata);
    try {
      const schedule = parseSchedule(object.spec?.sync?.schedule, key);
      report.conditions([{ type: 'ScheduleValid', status: 'absent' }]);
      return schedule;
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      const message = `${describeError(error)}; it is read once an hour instead`;
      if (report.conditions([{ type: 'ScheduleValid', status: 'False', reason: error.reason, message }])) {
        report.warning(error.reason, message);
      }
      return parseSchedule(undefined, key);
    }
  }

  /** At git when that is due, else at what is known. */
  async #look(object: Repository, plan: SyncPlan, { signal, now }: ReconcileContext): Promise<RepositorySnapshot> {
    const repository = await this.#env.gateway.open(object);
    if (!plan.due) return repository.snapshot({ signal });
    const at = now();
    const snapshot = await repository.sync({ signal });
    const key = objectKey(object.metadata);
    this.#synced.set(key, { at, of: syncIdentity(object) });
    this.#env.onSynced?.(key);
    return snapshot;
  }

  #report(report: ObjectReport<Repository>, snapshot: RepositorySnapshot, plan: SyncPlan): void {
    const { revisions, packages } = snapshot.counts;
    report.status({
      packageCount: packages,
      ...(snapshot.head ? { gitCommitHash: snapshot.head } : {}),
      ...(plan.runOnceAt ? { observedRunOnceAt: plan.runOnceAt } : {}),
      ...(plan.requestedAt === undefined ? {} : { lastHandledReconcileAt: plan.requestedAt }),
    });
    report.ready('Ready', `${revisions} revisions of ${packages} packages`);
  }

  #tellTimes(report: ObjectReport<Repository>, object: Repository, plan: SyncPlan): void {
    const at = this.#synced.get(objectKey(object.metadata))?.at;
    const tell = !sameJson(report.current().status, object.status);
    if (at) report.status(shownTimes(object.status, { at, next: plan.next, tell }));
  }

  #failed(report: ObjectReport<Repository>, key: string, error: unknown): void {
    const { throws, afterMs } = nextLook(error);
    report.failed(located(error), throws ? undefined : afterMs);
    if (throws && afterMs !== undefined) this.#env.wake.repository(key, afterMs);
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

  /**
   * After a look at git all objects are compared with it, so that what became of them by other hands is mended; else those of the
   * packages that have changed.
   * @returns a warning for each published revision that has vanished and for each that cannot have an object
   */
  async #discover(
    object: Repository,
    snapshot: RepositorySnapshot,
    { due }: SyncPlan,
    signal: AbortSignal,
  ): Promise<readonly Warning[]> {
    const key = objectKey(object.metadata);
    const before = this.#discovered.get(key);
    const anew = this.#anew.delete(key);
    const changed = before && !due && !anew ? snapshot.changedPackages(before.snapshot) : undefined;
    const warnings = new Map(changed && before?.warnings);
    for (const name of changed ?? []) warnings.delete(name);
    const { create, wake, vanished } = changed
      ? this.#compare(key, snapshot, changed)
      : this.#compareAll(key, snapshot);
    for (const revision of wake) this.#env.wake.revision(revision);
    const warn = (name: string, warning: Warning): void => {
      warnings.set(name, [...(warnings.get(name) ?? []), warning]);
    };
    for (const revision of vanished) warn(revision.package, vanishedWarning(revision));
    for (let start = 0; start < create.length; start += CREATE_CONCURRENCY) {
      const slice = create.slice(start, start + CREATE_CONCURRENCY);
      const faults = await Promise.all(slice.map((info) => this.#create(object, info, signal)));
      for (const [index, fault] of faults.entries()) if (fault) warn(slice[index]?.package ?? '', fault);
    }
    this.#discovered.set(key, { snapshot, warnings });
    return [...warnings.values()].flat();
  }

  #compareAll(key: string, snapshot: RepositorySnapshot): DiscoveryPlan {
    return planDiscovery(snapshot.revisions, this.#env.revisions.byIndex(INDEX.repository, key).map(knownRevision));
  }

  #compare(key: string, snapshot: RepositorySnapshot, packages: ReadonlySet<string>): DiscoveryPlan {
    const known = (name: string) => this.#env.revisions.byIndex(INDEX.package, `${key}/${name}`).map(knownRevision);
    const found = [...packages].flatMap((name) => snapshot.ofPackage(name));
    return planDiscovery(found, [...packages].flatMap(known));
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

/** Whoever checks addresses does not know where this one stands. */
function located(error: unknown): unknown {
  if (!(error instanceof TerminalError) || error.reason !== 'InvalidURL') return error;
  return new TerminalError(error.reason, error.message, { ...error.location, field: 'spec.git.repo', cause: error });
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
    seenBranchEdit: tellsOfBranchEdit(object),
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
      labels: { [REPOSITORY_LABEL]: metadata.name, ...(info.branchHead ? {} : latestLabels(info.latest)) },
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
