import { PACKAGE_REVISION, PACKAGE_VARIANT, REPOSITORY } from '../../../src/api/kinds.ts';
import { objectLabel } from '../../../src/api/object.ts';
import { LocalOperator } from '../../../src/cli/local-operator.ts';
import { ManifestSet } from '../../../src/cli/manifest-set.ts';
import { readyCondition } from '../../../src/cli/report.ts';
import { Workspace } from '../../../src/cli/workspace.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { Hooks } from './fault.ts';
import type { Job, JobReport } from './process.ts';

// What `veranda run` does, with hooks in the ports. Argument: a Job as JSON. Prints "loaded", then a JobReport as JSON.

const job: Job = JSON.parse(process.argv[2] ?? '');
const hooks = new Hooks(job.kill);
const workspace = await Workspace.open(job.workspace);
const operator = new LocalOperator({
  mirrors: workspace.mirrors,
  events: { write: async () => undefined },
  onChange: () => undefined,
  logger: createLogger({ level: 'error', format: 'plain', stream: process.stderr }),
  open: hooks.open,
});
process.stdout.write('loaded\n');
const manifests = new ManifestSet([job.manifests], operator);
await manifests.load();
if (manifests.errors.length > 0) throw new Error(JSON.stringify(manifests.errors));
const signal = AbortSignal.timeout(job.timeoutMs);
await operator.start(signal);
await operator.settle(signal);
const objects = [
  ...(await operator.list(REPOSITORY)),
  ...(await operator.list(PACKAGE_REVISION)),
  ...(await operator.list(PACKAGE_VARIANT)),
];
const notReady = objects.flatMap((object) => {
  const ready = readyCondition(object);
  return ready?.status === 'True' ? [] : [`${objectLabel(object)}: ${ready?.reason}: ${ready?.message}`];
});
await operator.stop();
await workspace.close();
const report: JobReport = { notReady, counts: hooks.counts };
process.stdout.write(`${JSON.stringify(report)}\n`);
