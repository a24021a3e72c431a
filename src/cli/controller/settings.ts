import { cleanImagePrefix } from '../../render/image.ts';
import {
  dnsLabel,
  duration,
  InvalidSetting,
  integer,
  list,
  listenAddress,
  oneOf,
  optional,
  type Setting,
  text,
  yesOrNo,
} from './setting.ts';

/** All that can be set; the key is the name in the configuration file. */
export const SETTINGS = {
  kubeconfig: optional({
    ...text('<file>'),
    flag: 'kubeconfig',
    help: 'kubeconfig of the cluster (default: $KUBECONFIG, else the service account of the pod)',
  }),
  context: optional({ ...text('<name>'), flag: 'context', help: "context of the kubeconfig (default: the file's)" }),
  namespace: optional({
    ...dnsLabel('<name>'),
    flag: 'namespace',
    help: 'work on the objects of this namespace only (default: all)',
  }),
  mirrors: {
    ...text('<dir>'),
    flag: 'mirrors',
    help: 'folder for mirrors of git repositories; can be lost at any time',
    fallback: '/var/cache/veranda',
  },
  metricsAddress: {
    ...listenAddress,
    flag: 'metrics-address',
    help: 'where /metrics is served, or off',
    fallback: { port: 8080 },
  },
  healthAddress: {
    ...listenAddress,
    flag: 'health-address',
    help: 'where /healthz and /readyz are served, or off',
    fallback: { port: 8081 },
  },
  syncAddress: {
    ...listenAddress,
    flag: 'sync-address',
    help: 'where git servers may post to /hooks/sync/<namespace>/<repository>, or off',
    fallback: { port: 8082 },
  },
  leaderElect: optional({
    ...yesOrNo,
    flag: 'leader-elect',
    help: 'work only while holding the lease, so that several may run',
    fallbackText: 'true in a pod, else false',
  }),
  leaseName: { ...dnsLabel('<name>'), flag: 'lease-name', help: 'name of the Lease', fallback: 'veranda-controller' },
  leaseNamespace: optional({
    ...dnsLabel('<name>'),
    flag: 'lease-namespace',
    help: 'namespace of the Lease',
    fallbackText: "that of the pod, or of the kubeconfig's context",
  }),
  leaseDuration: {
    ...duration(1000),
    flag: 'lease-duration',
    help: 'how long others wait after the last renewal before they take the lease',
    fallback: 15_000,
  },
  leaseRenewDeadline: {
    ...duration(500),
    flag: 'lease-renew-deadline',
    help: 'how long renewing may fail before all work is given up',
    fallback: 10_000,
  },
  leaseRetryPeriod: { ...duration(100), flag: 'lease-retry-period', help: 'time between tries', fallback: 2_000 },
  logLevel: {
    ...oneOf('debug', 'info', 'warn', 'error'),
    flag: 'log-level',
    help: 'what is logged, to stderr',
    fallback: 'info',
  },
  logFormat: {
    ...oneOf('json', 'plain'),
    flag: 'log-format',
    help: 'one JSON object a line, or lines for people',
    fallback: 'json',
  },
  qps: {
    ...integer('<n>', 0),
    flag: 'qps',
    help: "requests a second to the API server; 0 leaves it to the server's own fairness",
    fallback: 0,
  },
  burst: { ...integer('<n>', 1), flag: 'burst', help: 'requests at once above --qps', fallback: 100 },
  maxRepositorySyncs: {
    ...integer('<n>', 1, 1024),
    flag: 'max-repository-syncs',
    help: 'repositories that are synced at the same time',
    fallback: 8,
  },
  revisionWorkers: {
    ...integer('<n>', 1, 4096),
    flag: 'revision-workers',
    help: 'package revisions that are worked on at the same time; most of them wait for git',
    fallback: 1024,
  },
  variantWorkers: {
    ...integer('<n>', 1, 1024),
    flag: 'variant-workers',
    help: 'package variants that are worked on at the same time',
    fallback: 16,
  },
  variantSetWorkers: {
    ...integer('<n>', 1, 1024),
    flag: 'variant-set-workers',
    help: 'package variant sets that are worked on at the same time',
    fallback: 4,
  },
  reconcileTimeout: {
    ...duration(1000),
    flag: 'reconcile-timeout',
    help: 'how long the work on one object may take',
    fallback: 600_000,
  },
  gitTimeout: {
    ...duration(1000),
    flag: 'git-timeout',
    help: 'deadline of one call to a git server',
    fallback: 60_000,
  },
  gitProxy: optional({ ...text('<url>'), flag: 'git-proxy', help: 'HTTP proxy for git servers' }),
  imagePrefix: optional({
    ...text('<path>', imagePath),
    flag: 'image-prefix',
    help: 'put before image names without a slash',
    fallbackText: 'the kpt functions catalogue',
  }),
  allowImages: {
    ...list('<path>', imagePath),
    flag: 'allow-images',
    help: 'registry paths that images of functions may come from beside the catalogue; * for all (repeatable)',
    fallback: [],
  },
  runtimes: {
    ...list('<runtime>', functionRuntime),
    flag: 'runtimes',
    help: 'ways to run functions, in the order in which they are asked: builtin (first, or not at all), grpc, pod (repeatable)',
    fallback: ['builtin', 'grpc', 'pod'] as readonly FunctionRuntimeName[],
  },
  functionRunner: optional({
    ...text('<host:port>'),
    flag: 'function-runner',
    help: "Porch's function runner, for the runtime grpc (default: none)",
  }),
  functionRunnerMaxBytes: {
    ...integer('<bytes>', 1024),
    flag: 'function-runner-max-bytes',
    help: 'size of one message to the function runner, as its --max-request-body-size',
    fallback: 6 * 1024 * 1024,
  },
  functionsNamespace: {
    ...dnsLabel('<name>'),
    flag: 'functions-namespace',
    help: 'namespace of function pods and of their pull secrets',
    fallback: 'veranda-functions',
  },
  functionConfigNamespace: optional({
    ...dnsLabel('<name>'),
    flag: 'function-config-namespace',
    help: 'the only namespace whose FunctionConfigs count',
    fallbackText: 'veranda-system',
  }),
  maxFunctionPods: {
    ...integer('<n>', 1),
    flag: 'max-function-pods',
    help: 'function pods at a time, of all functions',
    fallback: 16,
  },
  registryRewrites: {
    ...list('<from=to>', registryRewrite),
    flag: 'registry-rewrites',
    help: 'registry paths that are replaced by others in the images of functions, such as ghcr.io/kptdev=mirror.example/kptdev (repeatable)',
    fallback: [] as readonly string[],
  },
  registryCa: optional({
    ...text('<file>'),
    flag: 'registry-ca',
    help: "PEM of the authority that image registries are checked with (default: the system's)",
  }),
  loopbackRegistries: {
    ...yesOrNo,
    flag: 'loopback-registries',
    help: 'let images come from registries on this machine, without TLS; for tests',
    fallback: false,
  },
  fnTimeout: { ...duration(), flag: 'fn-timeout', help: 'how long one function may run', fallback: 300_000 },
  shutdownGrace: {
    ...duration(1000),
    flag: 'shutdown-grace',
    help: 'how long work under way may go on after SIGTERM',
    fallback: 25_000,
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

type ValueOf<S> = S extends { readonly parse: (texts: readonly string[]) => infer T }
  ? S extends { readonly fallback: undefined }
    ? T | undefined
    : T
  : never;

export type Settings = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };
export type SettingName = keyof typeof SETTINGS;

/** Name of a way to run functions. */
export type FunctionRuntimeName = 'builtin' | 'grpc' | 'pod';

function functionRuntime(name: string): FunctionRuntimeName {
  if (name === 'builtin' || name === 'grpc' || name === 'pod') return name;
  throw new InvalidSetting('must be builtin, grpc or pod');
}

function registryRewrite(rule: string): string {
  const [from = '', to = '', ...more] = rule.split('=');
  if (from.includes('.') && to !== '' && more.length === 0) return rule;
  throw new InvalidSetting('must be two registry paths with = between them');
}

function imagePath(path: string): string {
  try {
    return cleanImagePrefix(path);
  } catch {
    throw new InvalidSetting(
      'must be a registry path without scheme, "?", "#" and spaces, such as example.com/functions',
    );
  }
}
