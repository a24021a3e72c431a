import type { Rollout, RolloutStatus, WaveStatus } from '../../api/generated/package-variant-set.ts';
import { selects } from './selector.ts';

/** A variant as a rollout sees it. */
export interface RolloutMember {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: /** It is still to be changed. */
    | 'pending'
    /** It is as wanted and on its way. */
    | 'progressing'
    /** It is as wanted and at fault. */
    | 'failed'
    | 'ready';
}

export interface RolloutDecision {
  /** Names of pending variants that may be changed now. */
  readonly release: ReadonlySet<string>;
  /** Whether nothing is pending but what is released. */
  readonly isLast: boolean;
  /** Absent without a rollout. */
  readonly status?: Omit<RolloutStatus, 'revision'>;
  /** Variants that are as wanted and at fault. */
  readonly failures: number;
}

/** Name of the wave that is made up of the targets that no wave selects. */
const OTHERS = 'others';

/**
 * Which variants may be changed now. A wave starts when all variants of the waves before it are as wanted and Ready; with
 * more failures than allowed nothing is changed. Pure, and decided anew each time: what recovers lets the rollout go on.
 */
export function decideRollout(rollout: Rollout | undefined, members: readonly RolloutMember[]): RolloutDecision {
  const failures = members.filter(({ state }) => state === 'failed').length;
  const pending = members.filter(({ state }) => state === 'pending').map(({ name }) => name);
  if (!rollout) return { release: new Set(pending), isLast: true, failures };
  const tooMany = failures > (rollout.maxFailures ?? 0);
  const inFlight = members.filter(({ state }) => state === 'progressing').length;
  let free = tooMany ? 0 : Math.max(0, (rollout.maxConcurrent ?? Number.POSITIVE_INFINITY) - inFlight);
  let isOpen = true;
  let isPaused = false;
  const release = new Set<string>();
  const waves: WaveStatus[] = [];
  for (const { name, members: ofWave } of wavesOf(rollout, members)) {
    const status = waveStatus(name, ofWave, isOpen && !isPaused);
    waves.push(status);
    if (status.state === 'Progressing') {
      const next = ofWave.filter(({ state }) => state === 'pending').slice(0, free);
      for (const member of next) release.add(member.name);
      free -= next.length;
    }
    isOpen &&= status.ready + (tooMany ? 0 : status.failed) === status.desired;
    isPaused ||= name === rollout.pauseAfter;
  }
  const state = rolloutState(waves, {
    tooMany,
    isPaused: isPaused && !waves.some((wave) => wave.state === 'Progressing'),
  });
  return { release, isLast: release.size === pending.length, status: { state, waves }, failures };
}

interface Wave {
  readonly name: string;
  readonly members: readonly RolloutMember[];
}

/** The first wave that selects a member has it. */
function wavesOf({ waves = [] }: Rollout, members: readonly RolloutMember[]): readonly Wave[] {
  const groups = new Map<string, RolloutMember[]>([...waves.map(({ name }) => name), OTHERS].map((name) => [name, []]));
  for (const member of members) {
    const wave = waves.find(({ selector }) => selects(selector, member.labels));
    groups.get(wave?.name ?? OTHERS)?.push(member);
  }
  return [...groups]
    .map(([name, ofWave]) => ({ name, members: ofWave }))
    .filter(({ name, members: ofWave }) => name !== OTHERS || ofWave.length > 0 || waves.length === 0);
}

function waveStatus(name: string, members: readonly RolloutMember[], isServed: boolean): WaveStatus {
  const count = (...states: RolloutMember['state'][]) => members.filter(({ state }) => states.includes(state)).length;
  const [desired, ready] = [members.length, count('ready')];
  const updated = count('ready', 'progressing', 'failed');
  const state = ready === desired ? 'Ready' : isServed ? 'Progressing' : 'Waiting';
  return { name, state, desired, updated, ready, failed: count('failed') };
}

function rolloutState(
  waves: readonly WaveStatus[],
  { tooMany, isPaused }: { readonly tooMany: boolean; readonly isPaused: boolean },
): RolloutStatus['state'] {
  const isPending = waves.some(({ desired, updated }) => updated < desired);
  if (isPending && tooMany) return 'Stopped';
  if (isPending && isPaused) return 'Paused';
  return waves.every(({ state }) => state === 'Ready') ? 'Complete' : 'Progressing';
}
