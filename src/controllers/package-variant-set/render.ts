import { describeError, MissingError, TerminalError } from '../../api/errors.ts';
import type { PackageVariantSpec } from '../../api/generated/package-variant.ts';
import { PACKAGE_VARIANT, type PackageRevision, type Repository } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/object.ts';
import { describeDiagnostics, validateManifest } from '../../api/validate.ts';
import type { Meter } from '../../krm/cel/meter.ts';
import { type CelData, celMap } from '../../krm/cel/values.ts';
import type { KrmMap } from '../../krm/value.ts';
import { asMap } from '../../kube/json.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import type { CompiledTemplate, Evaluation } from './template.ts';
import type { DesiredVariant, Target, TargetFault } from './types.ts';

/** What templates see beside their target. */
export interface Surroundings {
  readonly upstream: PackageVariantSpec['upstream'];
  /** The revision that expressions see as `upstream`, or why there is none yet. */
  readonly revision: PackageRevision | { readonly reason: string; readonly message: string; readonly retry: boolean };
  repository(name: string): Repository | undefined;
  /** Of all evaluations of the set. */
  readonly meter: Meter;
}

/** The variant that a target asks for, or why there is none. */
export function renderTarget(
  target: Target,
  template: CompiledTemplate | undefined,
  surroundings: Surroundings,
): DesiredVariant | TargetFault {
  try {
    return template ? fillIn(target, template, surroundings) : plainVariant(target, surroundings);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const passes = error instanceof MissingError;
    return { target: target.name, reason: error.reason, message: sanitiseText(describeError(error)), passes };
  }
}

export function isFault(result: DesiredVariant | TargetFault): result is TargetFault {
  return 'reason' in result;
}

function plainVariant(target: Target, { upstream, repository }: Surroundings): DesiredVariant {
  const { repoDefault: repo, packageDefault: pkg } = target;
  const spec = { upstream, downstream: { repo, package: pkg } };
  checkSpec(spec);
  return { target: target.name, spec, labels: waveLabels(target, repository(repo)) };
}

function fillIn(target: Target, template: CompiledTemplate, surroundings: Surroundings): DesiredVariant {
  const { upstream, meter } = surroundings;
  const known = { ...defaults(target), ...upstreamBinding(template, surroundings) };
  const repo = template.repo({ bindings: known, meter }) ?? target.repoDefault;
  const repository = surroundings.repository(repo);
  if (!repository) throw new MissingError('RepositoryNotFound', `Repository ${repo} does not exist`);
  const evaluation: Evaluation = { bindings: { ...known, repository: metadataOf(repository) }, meter };
  const pkg = template.package(evaluation) ?? target.packageDefault;
  const spec = { upstream, downstream: { repo, package: pkg }, ...template.spec(evaluation) };
  checkSpec(spec);
  return { target: target.name, spec, labels: waveLabels(target, repository) };
}

/** What the API server would refuse is told as a fault of the target, before anything is written. */
function checkSpec(spec: PackageVariantSpec): void {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  const faults = validateManifest({ apiVersion, kind, metadata: { name: 'variant' }, spec });
  if (faults.length === 0) return;
  throw new TerminalError('ValidationError', `its variant would be refused: ${describeDiagnostics(faults)}`);
}

function waveLabels({ object }: Target, repository: Repository | undefined): Readonly<Record<string, string>> {
  return (object ?? repository)?.metadata.labels ?? {};
}

function defaults({ repoDefault, packageDefault, object }: Target): Record<string, CelData> {
  const target = object ? selectedObject(object) : celMap({ repo: repoDefault, package: packageDefault });
  return { repoDefault, packageDefault, target };
}

/** The four metadata fields of the reference, and what the object says beside. */
function selectedObject(object: KubeObject): Map<string, CelData> {
  const map = metadataOf(object).set('apiVersion', object.apiVersion).set('kind', object.kind);
  const { spec, data } = asMap(object) as KrmMap;
  for (const [key, value] of Object.entries({ spec, data })) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) map.set(key, celMap(value as KrmMap));
  }
  return map;
}

function metadataOf({ metadata }: KubeObject): Map<string, CelData> {
  const { name, namespace = '', labels = {}, annotations = {} } = metadata;
  return celMap({ name, namespace, labels, annotations });
}

function upstreamBinding(
  { usesUpstream }: CompiledTemplate,
  { revision, upstream }: Surroundings,
): Record<string, CelData> {
  if (!usesUpstream) return {};
  if (!('metadata' in revision)) {
    const Fault = revision.retry ? MissingError : TerminalError;
    throw new Fault(revision.reason, revision.message);
  }
  const { spec, status } = revision;
  const place = { repo: upstream.repo, package: upstream.package, workspaceName: spec.workspaceName };
  const facts = celMap({ ...place, revision: status?.revision ?? 0 });
  return { upstream: new Map([...metadataOf(revision), ...facts]) };
}
