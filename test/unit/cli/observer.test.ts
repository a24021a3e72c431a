import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../src/api/object.ts';
import { RunObserver } from '../../../src/cli/observer.ts';
import { ProgressOutput } from '../../../src/cli/output.ts';
import type { RecordedEvent } from '../../../src/kube/events.ts';
import { Recorder } from './streams.ts';

let stderr: Recorder;
let observer: RunObserver;
let known: Map<string, KubeObject>;

beforeEach(() => {
  stderr = new Recorder();
  observer = new RunObserver(new ProgressOutput({ env: {}, stdout: new Recorder(), stderr }));
  known = new Map();
});

type Ready = { readonly status: 'True' | 'False' | 'Unknown'; readonly reason: string; readonly message?: string };

function variant(name: string, ready?: Ready, phase = 'Pending'): KubeObject & { readonly status?: unknown } {
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name, namespace: 'default', uid: `uid of ${name}` },
    ...(ready ? { status: { phase, conditions: [{ type: 'Ready', message: '', ...ready }] } } : {}),
  };
}

function put(after: KubeObject): void {
  observer.changed({ before: known.get(after.metadata.name), after });
  known.set(after.metadata.name, after);
}

async function warn(
  name: string,
  reason: string,
  message: string,
  id = reason,
  type: RecordedEvent['type'] = 'Warning',
): Promise<void> {
  const { apiVersion, kind, metadata } = variant(name);
  const seen = new Date(0);
  const event: RecordedEvent = {
    id,
    regarding: { apiVersion, kind, ...metadata },
    type,
    reason,
    message,
    count: 1,
    firstSeen: seen,
    lastSeen: seen,
  };
  await observer.write(event);
}

const warnings = () =>
  observer.warnings(({ regarding }) => known.get(regarding.name)).map(({ reason, message }) => `${reason}: ${message}`);

describe('what is told while it happens', () => {
  test('each state of a variant once, without repetitions', () => {
    put(variant('a'));
    put(variant('a', { status: 'False', reason: 'NotYet', message: 'one' }));
    put(variant('a', { status: 'False', reason: 'NotYet', message: 'two' }));
    put(variant('a', { status: 'Unknown', reason: 'clone' }));
    put(variant('a', { status: 'Unknown', reason: 'DraftPending' }));
    put(variant('a', { status: 'True', reason: 'UpToDate' }, 'Published'));
    put(variant('a', { status: 'Unknown', reason: 'Discovering' }, 'Published'));
    observer.changed({ before: known.get('a') });
    expect(stderr.text).toBe('a: Pending (NotYet)\na: Pending\na: Published\na: deleted\n');
  });
});

describe('warnings at the end', () => {
  test('of what is in the way still, and not of what was overcome', async () => {
    put(variant('over', { status: 'False', reason: 'Blocked', message: 'wait' }));
    await warn('over', 'Blocked', 'wait', '1');
    put(variant('over', { status: 'True', reason: 'UpToDate' }));
    put(variant('stuck', { status: 'False', reason: 'Broken', message: 'now this' }));
    await warn('stuck', 'Broken', 'first that', '2');
    await warn('stuck', 'Broken', 'now this', '3');
    expect(warnings()).toEqual(['Broken: now this']);
  });

  test('of a long message that the event has cut', async () => {
    put(variant('a', { status: 'False', reason: 'Broken', message: 'a long story' }));
    await warn('a', 'Broken', 'a long…');
    expect(warnings()).toEqual(['Broken: a long…']);
  });

  test('that never kept the object from being Ready stay', async () => {
    put(variant('a', { status: 'True', reason: 'UpToDate' }));
    await warn('a', 'ContentWarning', 'odd');
    expect(warnings()).toEqual(['ContentWarning: odd']);
  });

  test('of objects that are gone, or were made anew, are not told', async () => {
    await warn('gone', 'Broken', 'x', '1');
    await warn('anew', 'Broken', 'x', '2');
    known.set('anew', { ...variant('anew'), metadata: { name: 'anew', uid: 'another' } });
    expect(warnings()).toEqual([]);
  });

  test('normal events are none', async () => {
    put(variant('a', { status: 'True', reason: 'UpToDate' }));
    const before = observer.changes;
    await warn('a', 'Approved', 'by policy', '1', 'Normal');
    expect([warnings(), observer.changes]).toEqual([[], before]);
  });
});
