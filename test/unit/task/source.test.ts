import { describe, expect, test } from '@jest/globals';
import { TerminalError } from '../../../src/api/errors.ts';
import { mutationFor, taskRecord } from '../../../src/task/mapping.ts';
import { defaultTask, fromSource, onlyTask, parseTask } from '../../../src/task/source.ts';
import type { Task } from '../../../src/task/types.ts';

const upgrade = { oldUpstream: { name: 'a' }, newUpstream: { name: 'b' }, currentPackage: { name: 'c' } };
const git = { repo: 'https://h/r', ref: 'v1', directory: 'd', secretRef: { name: 's' } };

describe('tasks', () => {
  test('7.1.2: a revision that says nothing of its source is a new package', () => {
    expect(defaultTask('a/b')).toEqual({ type: 'init', init: { description: 'a/b description' } });
    expect(onlyTask([], 'a/b')).toEqual(defaultTask('a/b'));
  });

  test('7.1.11: two tasks are one too many', () => {
    expect(() =>
      onlyTask(
        [
          { type: 'init', init: {} },
          { type: 'init', init: {} },
        ],
        'a',
      ),
    ).toThrow('must not contain more than one task');
  });

  test.each([
    { case: '7.1.12', task: { type: 'foo', foo: {} }, field: 'type', message: 'task of type "foo" not supported' },
    { case: '7.1.12', task: {}, field: 'type', message: 'task of type "" not supported' },
    { case: '7.1.12', task: null, field: 'type', message: 'task of type "" not supported' },
    { case: '7.1.12', task: { type: 'init' }, field: 'init', message: 'init not set' },
    { case: '7.1.12', task: { type: 'init', clone: {} }, field: 'init', message: 'init not set' },
    {
      case: '7.1.13',
      task: { type: 'init', init: { subpackage: 'sub' } },
      field: 'init.subpackage',
      message: 'cannot',
    },
    {
      case: '7.2.23',
      task: { type: 'clone', clone: { upstreamRef: { name: '' } } },
      field: 'clone.upstreamRef.name',
      message: 'upstreamRef.name is required',
    },
    { case: '7.2.30', task: { type: 'clone', clone: {} }, field: 'clone', message: 'invalid clone source' },
    { case: '7.2.30', task: { type: 'clone', clone: { oci: {} } }, field: 'clone.oci', message: 'not implemented' },
    { case: '7.2.30', task: { type: 'clone', clone: { git: {} } }, field: 'clone.git.repo', message: 'required' },
    {
      case: '7.3.45',
      task: { type: 'edit', edit: {} },
      field: 'edit.sourceRef.name',
      message: 'sourceRef.name is required',
    },
    {
      case: '7.3.45',
      task: { type: 'edit', edit: { sourceRef: { name: '' } } },
      field: 'edit.sourceRef.name',
      message: '',
    },
    {
      case: '7.4.56',
      task: { type: 'upgrade', upgrade: { oldUpstream: { name: 'a' }, newUpstream: { name: 'b' } } },
      field: 'upgrade.currentPackage.name',
      message: 'required',
    },
    {
      case: '7.4.61',
      task: { type: 'upgrade', upgrade: { ...upgrade, strategy: 'zz' } },
      field: 'upgrade.strategy',
      message: '"zz" is not one of resource-merge',
    },
  ])('$case: $task is refused at $field', ({ task, field, message }) => {
    const error = thrownBy(() => parseTask(task));
    expect(error.location.field).toBe(field);
    expect(error.message).toContain(message);
  });

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

  test.each([
    { source: {}, message: 'exactly one of' },
    { source: { init: {}, copyFrom: { name: 'a' } }, message: 'exactly one of' },
    { source: { cloneFrom: {} }, message: 'upstreamRef.name is required' },
    { source: { copyFrom: { name: '' } }, message: 'sourceRef.name is required' },
  ])('source $source is refused: $message', ({ source, message }) => {
    expect(thrownBy(() => fromSource(source)).message).toContain(message);
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

  test('upgrade waits for the merge', () => {
    expect(thrownBy(() => mutationFor({ type: 'upgrade', upgrade })).reason).toBe('NotImplemented');
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
