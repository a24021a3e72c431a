import { didYouMean } from './did-you-mean.ts';
import { compareBySchema, type FieldPath, formatFieldPath } from './field-path.ts';
import { ALL_KINDS } from './kinds.ts';
import { checkRules } from './rules.ts';
import { checkStructure, crdSchema, type Finding } from './structure.ts';

/** One thing wrong with a manifest. */
export interface Diagnostic {
  /** Field path such as `spec.targets[1].template`. */
  readonly field: string;
  /** What is wrong, without the value at fault. */
  readonly message: string;
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Parts of an object's name may be longer than a DNS label. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Everything that an API server with our CRDs would refuse, unknown fields included, in the order in which the CRD lists
 * the fields. Kinds of other groups are checked for identity only.
 * @param old the object that is to be replaced: adds the rules on changes (immutable fields, lifecycle transitions)
 */
export function validateManifest(object: object, old?: object): Diagnostic[] {
  const { apiVersion, kind } = identityOf(object);
  const schema = crdSchema(apiVersion, kind)?.schema;
  const findings = [...checkKind(apiVersion, kind), ...checkMetadata(object)];
  if (schema !== undefined) {
    const whole = withSpec(object);
    const structure = checkStructure(apiVersion, kind, whole);
    findings.push(...structure, ...checkRules(kind, whole, old));
    findings.sort((a, b) => compareBySchema(schema, a.path, b.path));
  }
  return findings.map(({ path, message }) => ({ field: formatFieldPath(path), message }));
}

/** `field: message; field: message`, for conditions and errors. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
}

function identityOf(object: object): { readonly apiVersion: string; readonly kind: string } {
  const text = (name: string) => {
    const value: unknown = Reflect.get(object, name);
    return typeof value === 'string' ? value : '';
  };
  return { apiVersion: text('apiVersion'), kind: text('kind') };
}

/** A missing spec is reported as the fields that it lacks. */
function withSpec(object: object): object {
  return (Reflect.get(object, 'spec') ?? undefined) === undefined ? { ...object, spec: {} } : object;
}

function checkKind(apiVersion: string, kind: string): Finding[] {
  if (apiVersion === '') return [fault(['apiVersion'], 'is required')];
  if (kind === '') return [fault(['kind'], 'is required')];
  const group = apiVersion.split('/')[0];
  const ofGroup = ALL_KINDS.filter((known) => known.apiVersion.split('/')[0] === group);
  if (ofGroup.length === 0 || ofGroup.some((known) => known.kind === kind && known.apiVersion === apiVersion))
    return [];
  const otherVersion = ofGroup.find((known) => known.kind === kind);
  if (otherVersion !== undefined)
    return [fault(['apiVersion'], `${kind} is served as ${otherVersion.apiVersion} only`)];
  const hint = didYouMean(
    kind,
    ofGroup.map((known) => known.kind),
  );
  return [fault(['kind'], `no such kind in ${group}${hint === undefined ? '' : `; did you mean ${hint}?`}`)];
}

function checkMetadata(object: object): Finding[] {
  const metadata: unknown = Reflect.get(object, 'metadata');
  if (typeof metadata !== 'object' || metadata === null) return [fault(['metadata', 'name'], 'is required')];
  const { name, namespace, labels, annotations } = Object(metadata);
  return [
    ...checkName(name),
    ...(namespace === undefined || (typeof namespace === 'string' && LABEL.test(namespace))
      ? []
      : [fault(['metadata', 'namespace'], 'must be a DNS label')]),
    ...checkTexts(['metadata', 'labels'], labels),
    ...checkTexts(['metadata', 'annotations'], annotations),
  ];
}

function checkName(name: unknown): Finding[] {
  const path = ['metadata', 'name'];
  if (name === undefined || name === null || name === '') return [fault(path, 'is required')];
  const valid = typeof name === 'string' && name.length <= 253 && NAME.test(name);
  return valid ? [] : [fault(path, "must be lower-case letters, digits, '-' and '.', at most 253 characters")];
}

function checkTexts(path: FieldPath, map: unknown): Finding[] {
  if (map === undefined || map === null) return [];
  if (typeof map !== 'object' || Array.isArray(map)) return [fault(path, 'must be a map')];
  return Object.entries(map)
    .filter(([, value]) => typeof value !== 'string')
    .map(([key]) => fault([...path, key], 'must be a string; put it in quotes'));
}

function fault(path: FieldPath, message: string): Finding {
  return { path, message };
}
