import type { Rollout, RolloutStatus, RolloutWave, WaveStatus } from '../../api/generated/package-variant-set.ts';
import { parseDuration } from '../package-variant/approval.ts';
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
  /** When a wave has soaked and the next one may start. */
  readonly againInMs?: number;
}

/** What a rollout remembers, and the time. */
export interface RolloutMoment {
  readonly before: RolloutStatus | undefined;
  readonly now: Date;
}

/** Name of the wave that is made up of the targets that no wave selects. */
const OTHERS = 'others';

/**
 * Which variants may be changed now. A wave starts when all variants of the waves before it are as wanted and Ready; with
 * more failures than allowed nothing is changed. Pure, and decided anew each time: what recovers lets the rollout go on.
 */
export function decideRollout(
  rollout: Rollout | undefined,
  members: readonly RolloutMember[],
  moment: RolloutMoment,
): RolloutDecision {
  const failures = members.filter(({ state }) => state === 'failed').length;
  const pending = members.filter(({ state }) => state === 'pending').map(({ name }) => name);
  if (!rollout) return { release: new Set(pending), isLast: true, failures };
  const tooMany = failures > (rollout.maxFailures ?? 0);
  let free = tooMany ? 0 : placesLeft(rollout.maxConcurrent, members);
  let isOpen = true;
  let isPaused = false;
  let soakMs = 0;
  const release = new Set<string>();
  const waves: WaveStatus[] = [];
  for (const { wave, members: ofWave } of wavesOf(rollout, members)) {
    const numbers = waveStatus(wave.name, ofWave, isOpen && !isPaused);
    if (numbers.state === 'Progressing') {
      const places = Math.min(free, placesLeft(wave.maxConcurrent, ofWave));
      const next = ofWave.filter(({ state }) => state === 'pending').slice(0, places);
      for (const member of next) release.add(member.name);
      free -= next.length;
    }
    const isDone = numbers.ready + (tooMany ? 0 : numbers.failed) === numbers.desired;
    const soak = soaking(wave, isDone, moment);
    waves.push({ ...numbers, ...(soak.since === undefined ? {} : { readySince: soak.since }) });
    if (isOpen && isDone) soakMs = Math.max(soakMs, soak.leftMs);
    isOpen &&= isDone && soak.leftMs === 0;
    isPaused ||= wave.name === rollout.pauseAfter;
  }
  const isWaiting = isPaused && !waves.some(({ state }) => state === 'Progressing') && soakMs === 0;
  const status = { state: rolloutState(waves, { tooMany, isPaused: isWaiting }), waves };
  const isLast = release.size === pending.length;
  return { release, isLast, status, failures, ...(soakMs > 0 && !isLast ? { againInMs: soakMs } : {}) };
}

function placesLeft(limit: number | undefined, members: readonly RolloutMember[]): number {
  const inFlight = members.filter(({ state }) => state === 'progressing').length;
  return Math.max(0, (limit ?? Number.POSITIVE_INFINITY) - inFlight);
}

/** Since when a wave with a soak is done, and how long the next one has to wait for it. */
function soaking(
  { name, soak }: Pick<RolloutWave, 'name' | 'soak'>,
  isDone: boolean,
  { before, now }: RolloutMoment,
): { readonly since?: string; readonly leftMs: number } {
  const soakMs = parseDuration(soak ?? '0') ?? 0;
  if (soakMs === 0 || !isDone) return { leftMs: 0 };
  const known = before?.waves.find((wave) => wave.name === name)?.readySince;
  const since = known ?? now.toISOString().replace(/\.\d+Z$/, 'Z');
  return { since, leftMs: Math.max(0, new Date(since).getTime() + soakMs - now.getTime()) };
}

interface Wave {
  readonly wave: Pick<RolloutWave, 'name' | 'soak' | 'maxConcurrent'>;
  readonly members: readonly RolloutMember[];
}

/** The first wave that selects a member has it. */
function wavesOf({ waves = [] }: Rollout, members: readonly RolloutMember[]): readonly Wave[] {
  const groups = new Map<string, RolloutMember[]>([...waves.map(({ name }) => name), OTHERS].map((name) => [name, []]));
  for (const member of members) {
    const wave = waves.find(({ selector }) => selects(selector, member.labels));
    groups.get(wave?.name ?? OTHERS)?.push(member);
  }
  return [...waves, { name: OTHERS }]
    .map((wave) => ({ wave, members: groups.get(wave.name) ?? [] }))
    .filter(({ wave, members: ofWave }) => wave.name !== OTHERS || ofWave.length > 0 || waves.length === 0);
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
