import { TerminalError, TransientError, VerandaError } from '../../api/errors.ts';
import type { Pod } from './manifest.ts';
import type { PodSettings } from './settings.ts';
import { type PodFailure, podState } from './state.ts';

/** Why a pod of a function does not come up, or did not last. */
export function podFault(reason: PodFailure, pod: string, message: string, settings: PodSettings): VerandaError {
  if (reason === 'OOMKilled') return outOfMemory(settings);
  const what = {
    ImagePull: 'its image could not be pulled',
    Unschedulable: 'no node takes it',
    CrashLoop: 'its program could not be started',
    Evicted: 'it was evicted',
  };
  return new TransientError(reason, `pod ${pod} of the function: ${what[reason]}: ${message}`);
}

/** An image that cannot be pulled has one reason, whether its registry tells this process or the node. */
export function lookUpFault(image: string, error: unknown): unknown {
  if (!(error instanceof VerandaError)) return error;
  const Fault = error.retry === 'terminal' ? TerminalError : TransientError;
  const message = `the image ${image} could not be looked up: ${error.reason}: ${error.message}`;
  return new Fault('ImagePull', message, { cause: error });
}

/** Only more memory, or less to work on, can help. */
export function outOfMemory({ resources }: PodSettings): TerminalError {
  const limit = resources.limits?.memory;
  const said = limit === undefined ? 'of its node' : `of ${limit}`;
  return new TerminalError('OOMKilled', `the function was killed: it needed more memory than its limit ${said}`);
}

export function startTimeout(pod: string, seen: Pod | undefined, milliseconds: number): TransientError {
  const state = seen && podState(seen);
  const waits = state?.state === 'starting' ? ` (it waits for ${state.waitsFor})` : '';
  return new TransientError(
    'PodNotStarted',
    `pod ${pod} of the function did not start within ${milliseconds / 1000} s${waits}`,
  );
}

/** The connection to a pod ended, or the pod did: the same may go well in another one. */
export function isPodLost(error: unknown): boolean {
  return error instanceof VerandaError && (error.reason === 'PodStreamLost' || error.reason === 'PodStreamRefused');
}
