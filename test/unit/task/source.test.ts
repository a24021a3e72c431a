import { describe, expect, test } from '@jest/globals';
import { TerminalError } from '../../../src/api/errors.ts';
import { mutationFor, taskRecord } from '../../../src/task/mapping.ts';
import { fromSource } from '../../../src/task/source.ts';
import type { Task } from '../../../src/task/types.ts';

const upgrade = { oldUpstream: { name: 'a' }, newUpstream: { name: 'b' }, currentPackage: { name: 'c' } };
const git = { repo: 'https://h/r', ref: 'v1', directory: 'd', secretRef: { name: 's' } };

describe('sources of package revisions', () => {
  test.each<{ source: Parameters<typeof fromSource>[0]; task: Task }>([
    { source: { init: { site: 's' } }, task: { type: 'init', init: { site: 's' } } },
    {
      source: { cloneFrom: { upstreamRef: { name: 'a' } } },
      task: { type: 'clone', clone: { upstreamRef: { name: 'a' } } },
    },
    { source: { cloneFrom: { type: 'git', upstreamRef: {}, git } }, task: { type: 'clone', clone: { git } } },
    { source: { copyFrom: { name: 'a' } }, task: { type: 'edit', edit: { sourceRef: { name: 'a' } } } },
    { source: { upgrade }, task: { type: 'upgrade', upgrade } },
  ])('$source stands for a task of type $task.type', ({ source, task }) => {
    expect(fromSource(source)).toEqual(task);
  });

  test.each<{ case: string; source: object; field: string; message: string }>([
    { case: '7.9.159', source: {}, field: '', message: 'exactly one of' },
    { case: '7.1.11', source: { init: {}, copyFrom: { name: 'a' } }, field: '', message: 'exactly one of' },
    { case: '7.1.12', source: { foo: {} }, field: '.foo', message: 'source of type foo not supported' },
    { case: '7.1.12', source: { init: null }, field: '', message: 'exactly one of' },
    { case: '7.1.13', source: { init: { subpackage: 'sub' } }, field: '.init.subpackage', message: 'cannot' },
    {
      case: '7.2.23',
      source: { cloneFrom: { upstreamRef: { name: '' } } },
      field: '.cloneFrom.upstreamRef.name',
      message: 'upstreamRef.name is required',
    },
    { case: '7.2.30', source: { cloneFrom: {} }, field: '.cloneFrom', message: 'invalid clone source' },
    { case: '7.2.30', source: { cloneFrom: { oci: {} } }, field: '.cloneFrom.oci.image', message: 'is required' },
    { case: '7.2.30', source: { cloneFrom: { git: {} } }, field: '.cloneFrom.git.repo', message: 'required' },
    { case: '7.3.45', source: { copyFrom: {} }, field: '.copyFrom.name', message: 'required' },
    { case: '7.3.45', source: { copyFrom: { name: '' } }, field: '.copyFrom.name', message: 'required' },
    {
      case: '7.4.56',
      source: { upgrade: { oldUpstream: { name: 'a' }, newUpstream: { name: 'b' } } },
      field: '.upgrade.currentPackage.name',
      message: 'required',
    },
    {
      case: '7.4.61',
      source: { upgrade: { ...upgrade, strategy: 'zz' } },
      field: '.upgrade.strategy',
      message: '"zz" is not one of resource-merge',
    },
  ])('$case: $source is refused at spec.source$field', ({ source, field, message }) => {
    const error = thrownBy(() => fromSource(source));
    expect(error.location.field).toBe(`spec.source${field}`);
    expect(error.message).toContain(message);
  });
});

describe('records in commit trailers', () => {
  test.each<{ task: Task; record: object }>([
    { task: { type: 'init', init: { description: 'd' } }, record: { type: 'init', init: { description: 'd' } } },
    {
      task: { type: 'clone', clone: { upstreamRef: { name: 'a' } } },
      record: { type: 'clone', clone: { upstreamRef: { upstreamRef: { name: 'a' } } } },
    },
    {
      task: { type: 'clone', clone: { git } },
      record: { type: 'clone', clone: { upstreamRef: { type: 'git', git } } },
    },
    {
      task: { type: 'edit', edit: { sourceRef: { name: 'a' } } },
      record: { type: 'edit', edit: { sourceRef: { name: 'a' } } },
    },
    {
      task: { type: 'upgrade', upgrade: { ...upgrade, strategy: 'copy-merge' } },
      record: {
        type: 'upgrade',
        upgrade: {
          oldUpstreamRef: { name: 'a' },
          newUpstreamRef: { name: 'b' },
          localPackageRevisionRef: { name: 'c' },
          strategy: 'copy-merge',
        },
      },
    },
  ])('$task.type is written with the names of v1alpha1', ({ task, record }) => {
    expect(taskRecord(task)).toEqual(record);
  });

  test.each<Task>([
    { type: 'init', init: {} },
    { type: 'clone', clone: { git } },
    { type: 'edit', edit: { sourceRef: { name: 'a' } } },
    { type: 'upgrade', upgrade },
  ])('$type has a mutation of its name', (task) => {
    expect(mutationFor(task).name).toBe(task.type);
  });
});

function thrownBy(action: () => unknown): TerminalError {
  try {
    action();
  } catch (error) {
    if (error instanceof TerminalError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
