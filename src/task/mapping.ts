import type { TaskRecord } from '../repository/types.ts';
import { clone } from './mutations/clone.ts';
import { edit } from './mutations/edit.ts';
import { init } from './mutations/init.ts';
import { upgrade } from './mutations/upgrade.ts';
import type { CloneTask, Mutation, Task, UpgradeTask } from './types.ts';

/**
 * The mutation that makes a task's content. A new kind of task is a line here, one in `taskRecord` and a file in
 * mutations/.
 */
export function mutationFor(task: Task): Mutation {
  switch (task.type) {
    case 'init':
      return init(task.init);
    case 'clone':
      return clone(task.clone);
    case 'edit':
      return edit(task.edit);
    case 'upgrade':
      return upgrade(task.upgrade);
  }
}

/** The task as commit trailers hold it: Porch's v1alpha1 JSON, which its tools read back. */
export function taskRecord(task: Task): TaskRecord {
  switch (task.type) {
    case 'init':
      return { type: 'init', init: task.init };
    case 'clone':
      return { type: 'clone', clone: { upstreamRef: upstreamRecord(task.clone) } };
    case 'edit':
      return { type: 'edit', edit: { sourceRef: task.edit.sourceRef } };
    case 'upgrade':
      return { type: 'upgrade', upgrade: upgradeRecord(task.upgrade) };
  }
}

/** What a commit holds that changed or rendered existing content. */
export const RENDER_RECORD: TaskRecord = { type: 'render' };

function upstreamRecord({ upstreamRef, git, oci }: CloneTask['clone']): unknown {
  if (upstreamRef) return { upstreamRef };
  return oci ? { type: 'oci', oci } : { type: 'git', git };
}

function upgradeRecord(task: UpgradeTask['upgrade']): unknown {
  const strategy = task.strategy ? { strategy: task.strategy } : {};
  if ('oci' in task) return { oci: task.oci, localPackageRevisionRef: task.currentPackage, ...strategy };
  return {
    oldUpstreamRef: task.oldUpstream,
    newUpstreamRef: task.newUpstream,
    localPackageRevisionRef: task.currentPackage,
    ...strategy,
  };
}
