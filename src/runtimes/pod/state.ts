import { CONTAINER, type ContainerStatus, type Pod } from './manifest.ts';

/** How far a function's pod has come. */
export type PodState =
  | { readonly state: 'starting' /** What it waits for, as far as it says so. */; readonly waitsFor: string }
  | { readonly state: 'ready' }
  /** It will not come up by itself. */
  | { readonly state: 'failed'; readonly reason: PodFailure; readonly message: string }
  /** Its process ended by itself. */
  | { readonly state: 'exited'; readonly exitCode: number }
  | { readonly state: 'leaving' };

export type PodFailure = 'ImagePull' | 'Unschedulable' | 'OOMKilled' | 'CrashLoop' | 'Evicted';

const PULL_FAILURES = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);
/** The container cannot be made or its program cannot be started. */
const START_FAILURES = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'StartError',
  'ContainerCannotRun',
  'CrashLoopBackOff',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
]);

/** Reads a pod's state from its status, by the reasons that kubelet and scheduler give. */
export function podState(pod: Pod): PodState {
  if (pod.metadata.deletionTimestamp !== undefined) return { state: 'leaving' };
  const { status } = pod;
  if (status?.reason === 'Evicted' || status?.reason === 'Preempting') {
    return { state: 'failed', reason: 'Evicted', message: status.message ?? status.reason };
  }
  const container = status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  const ended = container && endedState(container);
  if (ended) return ended;
  if (status?.phase === 'Failed') {
    return { state: 'failed', reason: 'CrashLoop', message: status.message ?? status.reason ?? 'the pod failed' };
  }
  if (container?.state?.running !== undefined && status?.phase === 'Running') return { state: 'ready' };
  return waitingState(pod, container);
}

function endedState({ state }: ContainerStatus): PodState | undefined {
  if (state?.terminated === undefined) return undefined;
  const { exitCode, reason = '', message } = state.terminated;
  if (reason === 'OOMKilled')
    return { state: 'failed', reason, message: message ?? 'it needed more memory than it may' };
  if (START_FAILURES.has(reason)) return { state: 'failed', reason: 'CrashLoop', message: message ?? reason };
  return { state: 'exited', exitCode };
}

function waitingState({ status }: Pod, container: ContainerStatus | undefined): PodState {
  const { reason = '', message } = container?.state?.waiting ?? {};
  if (PULL_FAILURES.has(reason)) return { state: 'failed', reason: 'ImagePull', message: message ?? reason };
  if (START_FAILURES.has(reason)) return { state: 'failed', reason: 'CrashLoop', message: message ?? reason };
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return { state: 'starting', waitsFor: `a node: ${scheduled.message ?? ''}` };
  return { state: 'starting', waitsFor: reason === '' ? 'its start' : reason };
}

/** Why no node takes the pod, if that is what it waits for. */
export function unschedulable({ status }: Pod): string | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? scheduled.message : undefined;
}

/** The kernel ended its process for want of memory. */
export function ranOutOfMemory(pod: Pod): boolean {
  const seen = podState(pod);
  return seen.state === 'failed' && seen.reason === 'OOMKilled';
}
