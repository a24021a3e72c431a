import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { describeError, TerminalError, VerandaError } from '../../api/errors.ts';
import type { ApiClient, ApiRequestMetrics } from '../../kube/adapters/kubernetes/client.ts';
import { loadCredentials } from '../../kube/adapters/kubernetes/credentials.ts';
import { HttpApiClient } from '../../kube/adapters/kubernetes/http-client.ts';
import { LeaderElector } from '../../kube/leader-election.ts';
import { createLogger, type Logger } from '../../observability/logger.ts';
import type { MetricsRegistry } from '../../observability/metrics.ts';
import { createPrometheusMetrics } from '../../observability/prometheus.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import { installOf } from '../../runtimes/pod/manifest.ts';
import { type CliContext, EXIT } from '../context.ts';
import { VERSION } from '../version.ts';
import { takeLock } from '../workspace-lock.ts';
import { readConfiguration, settingsDocument } from './configuration.ts';
import { ControllerProcess } from './process.ts';
import { ServerContact } from './server-contact.ts';
import type { Settings } from './settings.ts';

export interface ControllerOptions {
  readonly config?: string;
  readonly printConfig?: boolean;
  /** By the names of the settings. */
  readonly flags: { readonly [name: string]: readonly string[] | undefined };
}

/** Runs the operator on a cluster until it is asked to end, or has lost its lease. */
export async function controllerCommand(options: ControllerOptions, context: CliContext): Promise<number> {
  let settings: Settings;
  try {
    settings = await readConfiguration({ flags: options.flags, env: context.env, file: options.config });
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    context.stderr.write(`veranda: ${sanitiseText(describeError(error))}\n`);
    return EXIT.usage;
  }
  if (options.printConfig) {
    context.stdout.write(sanitiseText(stringify(settingsDocument(settings))));
    return EXIT.ok;
  }
  const { logLevel: level, logFormat: format } = settings;
  const logger = createLogger({ level, format, stream: context.stderr });
  try {
    return await runController(settings, logger, context);
  } catch (error) {
    const { reason } = error instanceof VerandaError ? error : { reason: 'InternalError' };
    logger.error('the controller cannot go on', { reason, error });
    return EXIT.failed;
  }
}

async function runController(settings: Settings, logger: Logger, context: CliContext): Promise<number> {
  logger.info('starting', { version: VERSION, node: process.version, config: settingsDocument(settings) });
  const unlock = await lockMirrors(settings.mirrors);
  const metrics = createPrometheusMetrics();
  const credentials = await loadCredentials({ kubeconfig: settings.kubeconfig, context: settings.context });
  const contact = new ServerContact(() => performance.now());
  const connection = {
    credentials,
    userAgent: `veranda/${VERSION}`,
    metrics: requestMetrics(metrics, contact),
    logger,
  };
  const client = new HttpApiClient({ ...connection, rate: requestRate(settings) });
  // A lease must not wait behind other requests.
  const leaseClient = new HttpApiClient({ ...connection, connections: 1 });
  const identity = `${context.env.POD_NAME ?? hostname()}_${randomUUID()}`;
  const lease = {
    namespace: settings.leaseNamespace ?? credentials.namespace ?? 'default',
    name: settings.leaseName,
  };
  const elector = leaderElector(settings, { lease, client: leaseClient, identity, metrics, logger });
  const install = installOf(lease);
  const run = new ControllerProcess({ settings, client, contact, elector, identity, install, metrics, logger });
  let exitCode: number = EXIT.failed;
  try {
    exitCode = await run.run(context.signal);
    return exitCode;
  } finally {
    context.endSoon?.(exitCode);
    await Promise.all([client.close(), leaseClient.close()]);
    await unlock();
  }
}

/** Two processes must not work in one mirror. @throws TerminalError MirrorsLocked */
async function lockMirrors(mirrors: string): Promise<() => Promise<void>> {
  try {
    await mkdir(mirrors, { recursive: true });
    return await takeLock(join(mirrors, 'lock'));
  } catch (cause) {
    const message = `--mirrors ${mirrors} cannot be used: ${describeError(cause)}`;
    throw new TerminalError('MirrorsUnusable', message, { cause });
  }
}

function requestRate({
  qps,
  burst,
}: Settings): { readonly requestsPerSecond: number; readonly burst: number } | undefined {
  return qps === 0 ? undefined : { requestsPerSecond: qps, burst };
}

function requestMetrics(metrics: MetricsRegistry, contact: ServerContact): ApiRequestMetrics {
  return {
    requested: ({ method, code }) => {
      metrics.apiRequest(method, code === 'error' ? '<error>' : String(code));
      contact.requested({ code });
    },
  };
}

interface ElectionParts {
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly client: ApiClient;
  readonly identity: string;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
}

/** Undefined when this process works without a lease. */
function leaderElector(settings: Settings, parts: ElectionParts): LeaderElector | undefined {
  const { leaderElect = settings.kubeconfig === undefined } = settings;
  if (!leaderElect) return undefined;
  const { lease, client, identity, metrics, logger } = parts;
  metrics.leading(lease.name, false);
  return new LeaderElector({
    ...lease,
    client,
    identity,
    leaseDurationMs: settings.leaseDuration,
    renewDeadlineMs: settings.leaseRenewDeadline,
    retryPeriodMs: settings.leaseRetryPeriod,
    logger,
    onLeading: (leading) => metrics.leading(lease.name, leading),
  });
}
