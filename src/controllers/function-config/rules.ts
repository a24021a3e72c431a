import { createHash } from 'node:crypto';
import type { FunctionConfig } from '../../api/kinds.ts';
import { objectKey } from '../../api/object.ts';
import type { BuiltinOverride } from '../../functions/builtin-runtime.ts';
import { parseImage } from '../../functions/image.ts';
import { inKeyOrder } from '../../kube/json.ts';
import type { WantedImage } from '../../runtimes/container-image.ts';
import { DEFAULT_POD_SETTINGS, type PodResources, type PodSettings } from '../../runtimes/pod/settings.ts';
import { parseDuration } from '../package-variant/approval.ts';

/** What all FunctionConfigs together say. */
export interface FunctionRules {
  /** How pods of an image are made and kept. */
  podSettings(wanted: Pick<WantedImage, 'name' | 'suffix' | 'tag'>): PodSettings;
  /** Of functions that are built in, by name. */
  readonly builtins: Readonly<Record<string, BuiltinOverride>>;
  /** The same for the same rules, in every process. */
  readonly version: string;
}

/** An image of which pods are made before the first evaluation. */
export interface WarmImage {
  /** `<registry path>/<name>:<tag>` */
  readonly image: string;
  readonly settings: PodSettings;
}

interface ConfiguredImages {
  readonly config: FunctionConfig;
  readonly settings: PodSettings;
}

/** @param imagePrefix what an empty prefix stands for */
export function functionRules(configs: readonly FunctionConfig[], imagePrefix: string): FunctionRules {
  const counting = configs.filter((config) => rivalOf(config, configs) === undefined);
  // What names tags is nearer than what holds for all of them.
  const pods: ConfiguredImages[] = counting
    .filter(({ spec }) => spec.podExecutor !== undefined)
    .map((config) => ({ config, settings: podSettingsOf(config) }))
    .sort(
      (a, b) => tagCount(b.config) - tagCount(a.config) || (a.config.metadata.name < b.config.metadata.name ? -1 : 1),
    );
  return {
    podSettings: (wanted) => {
      const found = pods.find(({ config }) => isMeant(config, wanted, imagePrefix));
      return found?.settings ?? DEFAULT_POD_SETTINGS;
    },
    builtins: Object.fromEntries(
      counting.flatMap(({ spec }) => (spec.goExecutor ? [[spec.image, builtinOverride(spec.goExecutor.tags)]] : [])),
    ),
    version: versionOf(counting, imagePrefix),
  };
}

function versionOf(configs: readonly FunctionConfig[], imagePrefix: string): string {
  const specs = configs.map(({ spec }) => JSON.stringify(inKeyOrder(spec))).sort();
  return createHash('sha256')
    .update(JSON.stringify([imagePrefix, ...specs]))
    .digest('hex');
}

/** The images that a configuration wants to be warm: one for each of its tags, from the first of its prefixes. */
export function warmImages(config: FunctionConfig, imagePrefix: string): readonly WarmImage[] {
  const { image, prefixes = [], podExecutor } = config.spec;
  const prefix = prefixes[0] || imagePrefix;
  const settings = podSettingsOf(config);
  if (settings.minPods === 0) return [];
  return (podExecutor?.tags ?? []).map((tag) => ({ image: `${prefix}/${image}:${tag}`, settings }));
}

/** Another configuration that says something of the same images; the older one counts, the name decides between equals. */
export function rivalOf(config: FunctionConfig, configs: readonly FunctionConfig[]): FunctionConfig | undefined {
  const age = ({ metadata }: FunctionConfig) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
  return configs.find(
    (other) =>
      objectKey(other.metadata) !== objectKey(config.metadata) && age(other) < age(config) && overlaps(other, config),
  );
}

function overlaps({ spec: a }: FunctionConfig, { spec: b }: FunctionConfig): boolean {
  if (a.image !== b.image || !meet(a.prefixes, b.prefixes)) return false;
  return (
    (a.goExecutor !== undefined && b.goExecutor !== undefined) ||
    (a.podExecutor !== undefined && b.podExecutor !== undefined && sameTags(a.podExecutor.tags, b.podExecutor.tags))
  );
}

/** None means all. */
function meet(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === 0 || b.length === 0 || a.some((entry) => b.includes(entry));
}

/** One for all tags and one for some of them go together: the nearer one counts. */
function sameTags(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === 0 || b.length === 0 ? a.length === b.length : a.some((tag) => b.includes(tag));
}

function isMeant(
  { spec }: FunctionConfig,
  { name, suffix = '', tag }: Pick<WantedImage, 'name' | 'suffix' | 'tag'>,
  imagePrefix: string,
): boolean {
  const reference = parseImage(name);
  if (reference?.base !== spec.image) return false;
  const prefixes = (spec.prefixes ?? []).map((prefix) => prefix || imagePrefix);
  if (prefixes.length > 0 && !prefixes.includes(reference.prefix)) return false;
  const tags = spec.podExecutor?.tags ?? [];
  const wanted = tag ?? /^:([^@]+)/.exec(suffix)?.[1] ?? 'latest';
  return tags.length === 0 || tags.includes(wanted);
}

export function podSettingsOf({ spec }: FunctionConfig): PodSettings {
  const pods = spec.podExecutor ?? {};
  const overrides = pods.templateOverrides ?? {};
  const defaults = DEFAULT_POD_SETTINGS;
  const ttl = pods.timeToLive === undefined ? undefined : parseDuration(pods.timeToLive);
  const maxPods = pods.maxPods ?? (pods.maxParallelExecutions || defaults.maxPods);
  return {
    isolation: pods.isolation ?? defaults.isolation,
    minPods: Math.min(pods.minPods ?? (pods.tags?.length ? 1 : 0), maxPods),
    maxPods,
    parallel: pods.parallelEvaluations ?? defaults.parallel,
    queueLength: pods.preferredMaxQueueLength || defaults.queueLength,
    idleTtlMs: ttl ?? defaults.idleTtlMs,
    cache: pods.cache ?? defaults.cache,
    resources: (pods.resources ?? overrides.container?.resources ?? defaults.resources) as PodResources,
    env: overrides.container?.env ?? [],
    imagePullPolicy: pods.imagePullPolicy ?? defaults.imagePullPolicy,
    imagePullSecrets: (pods.imagePullSecrets ?? []).map(({ name }) => name),
    ...(overrides.container?.envFrom?.length ? { envFrom: overrides.container.envFrom } : {}),
    ...(pods.nodeSelector ? { nodeSelector: pods.nodeSelector } : {}),
    ...(pods.tolerations ? { tolerations: pods.tolerations } : {}),
    ...(overrides.serviceAccountName ? { serviceAccountName: overrides.serviceAccountName } : {}),
  };
}

function builtinOverride(tags: readonly string[]): BuiltinOverride {
  return tags.length === 0 ? { enabled: false } : { versions: tags.join(' || ') };
}

function tagCount({ spec }: FunctionConfig): number {
  return spec.podExecutor?.tags?.length ? 1 : 0;
}
