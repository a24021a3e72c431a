import { TerminalError } from '../api/errors.ts';
import type { PackageSource } from '../api/generated/package-revision.ts';
import type { CloneTask, InitTask, Task, UpgradeStrategy, UpgradeTask } from './types.ts';

export const UPGRADE_STRATEGIES = [
  'resource-merge',
  'fast-forward',
  'force-delete-replace',
  'copy-merge',
] as const satisfies readonly UpgradeStrategy[];

const TASK_TYPES = ['init', 'clone', 'edit', 'upgrade'] as const satisfies readonly Task['type'][];

/** The task of a revision that says nothing of its source. */
export function defaultTask(packageName: string): Task {
  return { type: 'init', init: { description: `${packageName} description` } };
}

/**
 * The task that `spec.source` of a PackageRevision stands for.
 * @throws TerminalError InvalidSource with the field at fault
 */
export function fromSource(source: PackageSource): Task {
  const members = Object.entries(source).filter(([, value]) => value !== undefined && value !== null);
  if (members.length !== 1) {
    throw invalid('spec.source', 'exactly one of init, cloneFrom, copyFrom and upgrade must be set');
  }
  if (source.init) return checked({ type: 'init', init: source.init });
  if (source.cloneFrom) {
    const { upstreamRef, git } = source.cloneFrom;
    const byName = upstreamRef?.name || !git;
    return checked({ type: 'clone', clone: byName ? { upstreamRef: { name: upstreamRef?.name ?? '' } } : { git } });
  }
  if (source.copyFrom) return checked({ type: 'edit', edit: { sourceRef: source.copyFrom } });
  if (source.upgrade) return checked({ type: 'upgrade', upgrade: source.upgrade });
  throw invalid('spec.source', `source ${members[0]?.[0]} is not supported`);
}

/**
 * A task given as plain data, checked: the type is known, the member of that name is there, names are not empty.
 * @throws TerminalError InvalidTask with the field at fault
 */
export function parseTask(value: unknown): Task {
  const fields = isObject(value) ? value : {};
  const type = TASK_TYPES.find((known) => known === fields.type);
  if (!type) throw invalidTask('type', `task of type ${JSON.stringify(fields.type ?? '')} not supported`);
  if (!hasMember(fields, type)) throw invalidTask(type, `${type} not set`);
  return checked(fields);
}

/** @throws TerminalError InvalidTask when more than one task was given, or one that is none */
export function onlyTask(tasks: readonly unknown[], packageName: string): Task {
  if (tasks.length > 1) throw invalidTask('tasks', 'must not contain more than one task');
  return tasks.length === 0 ? defaultTask(packageName) : parseTask(tasks[0]);
}

/** The task itself, once its member is known to be usable, whoever wrote it. */
function checked(task: Task): Task {
  switch (task.type) {
    case 'init':
      checkInit(task.init);
      break;
    case 'clone':
      checkClone(task.clone);
      break;
    case 'edit':
      requireText(task.edit.sourceRef?.name, 'edit.sourceRef.name');
      break;
    case 'upgrade':
      checkUpgrade(task.upgrade);
      break;
  }
  return task;
}

function checkInit({ subpackage }: InitTask['init']): void {
  if (!subpackage) return;
  throw invalidTask('init.subpackage', 'a subpackage cannot be initialised on its own; add its files to a package');
}

/** Of several sources the first of upstreamRef, git, oci counts, as Porch has it. */
function checkClone({ upstreamRef, git, oci }: CloneTask['clone']): void {
  if (upstreamRef) {
    requireText(upstreamRef.name, 'clone.upstreamRef.name');
  } else if (git) {
    requireText(git.repo, 'clone.git.repo');
  } else if (oci) {
    throw new TerminalError('NotImplemented', 'clone from OCI is not implemented', { field: 'clone.oci' });
  } else {
    throw invalidTask('clone', 'invalid clone source: must specify either upstreamRef or git');
  }
}

function checkUpgrade({ oldUpstream, newUpstream, currentPackage, strategy }: UpgradeTask['upgrade']): void {
  requireText(oldUpstream?.name, 'upgrade.oldUpstream.name');
  requireText(newUpstream?.name, 'upgrade.newUpstream.name');
  requireText(currentPackage?.name, 'upgrade.currentPackage.name');
  if (!strategy || UPGRADE_STRATEGIES.includes(strategy)) return;
  const message = `strategy ${JSON.stringify(strategy)} is not one of ${UPGRADE_STRATEGIES.join(', ')}`;
  throw invalidTask('upgrade.strategy', message);
}

function requireText(value: unknown, field: string): void {
  if (typeof value === 'string' && value !== '') return;
  throw invalidTask(field, `${field.slice(field.indexOf('.') + 1)} is required`);
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members' own fields are not looked at yet. */
function hasMember(fields: object, type: Task['type']): fields is Task {
  return isObject(fields) && isObject(fields[type]);
}

function invalidTask(field: string, message: string): TerminalError {
  return new TerminalError('InvalidTask', message, { field });
}

function invalid(field: string, message: string): TerminalError {
  return new TerminalError('InvalidSource', message, { field });
}
