import {
  LATEST_REVISION_LABEL,
  LEGACY_LATEST_REVISION_LABEL,
  NEPHIO_APPROVAL_DELAY_ANNOTATION,
  NEPHIO_APPROVAL_POLICY_ANNOTATION,
} from './labels.ts';
import type { Finding } from './structure.ts';

// The rules that the CRDs express in CEL, for where there is no API server; a test holds the two together.

const MERGE_STRATEGY = 'resource-merge';
const CONTEXT_KEYS = ['name', 'package-path'];
const SOURCES = ['init', 'cloneFrom', 'copyFrom', 'upgrade'];
/** Parts of a source whose coming and going changes it. */
const ORIGINS = [
  ['cloneFrom', 'git'],
  ['cloneFrom', 'oci'],
  ['upgrade', 'oldUpstream'],
  ['upgrade', 'oci'],
] as const;
const TRANSITIONS = [
  'Draft>Proposed',
  'Proposed>Draft',
  'Proposed>Published',
  'Published>DeletionProposed',
  'DeletionProposed>Published',
];
/** Name of a rollout's last wave, which is made up of what the others leave. */
const OTHER_TARGETS = 'others';
const IMMUTABLE_SOURCE = 'source is immutable';
const NEPHIO_POLICIES = ['', 'initial', 'always'];
const NEPHIO_DELAY = /^(0|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$/;
const UNSAFE_PATH = "must be a relative path without empty parts, '.', '..' or .git";

type Path = readonly (string | number)[];

/** Data of any shape at a place in an object: structural errors are reported elsewhere, so nothing here may fail on them. */
class Field {
  readonly path: Path;
  readonly value: unknown;

  constructor(value: unknown, path: Path = []) {
    this.value = value;
    this.path = path;
  }

  get(...names: readonly string[]): Field {
    return names.reduce<Field>(
      (field, name) => new Field(isMap(field.value) ? field.value[name] : undefined, [...field.path, name]),
      this,
    );
  }

  items(): Field[] {
    const list: readonly unknown[] = Array.isArray(this.value) ? this.value : [];
    return list.map((value, index) => new Field(value, [...this.path, index]));
  }

  get text(): string {
    return typeof this.value === 'string' ? this.value : '';
  }

  has(name: string): boolean {
    return isMap(this.value) && this.value[name] !== undefined;
  }

  fault(message: string): Finding {
    return { path: this.path, message };
  }
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Rules = (next: Field, old: Field | undefined) => Generator<Finding>;

const RULES: { readonly [kind: string]: Rules } = {
  Repository: repositoryRules,
  PackageRevision: packageRevisionRules,
  PackageVariant: packageVariantRules,
  PackageVariantSet: packageVariantSetRules,
  FunctionConfig: functionConfigRules,
};

/** Breaches of the rules of a kind; `old` is the object that is to be replaced, for rules on changes. */
export function checkRules(kind: string, object: object, old?: object): Finding[] {
  const rules = RULES[kind];
  if (rules === undefined) return [];
  return [...rules(new Field(object), old === undefined ? undefined : new Field(old))];
}

function* repositoryRules(next: Field, old: Field | undefined): Generator<Finding> {
  const name = next.get('metadata', 'name');
  if (name.text.length > 63 || name.text.includes('.')) {
    yield name.fault(
      "a repository's name must be a DNS label of at most 63 characters, because it starts the names of its package revisions",
    );
  }
  const spec = next.get('spec');
  const type = spec.get('type');
  if (spec.has('git') === spec.has('oci')) yield spec.fault('exactly one of git and oci must be set');
  else if (type.text === 'git' && !spec.has('git')) yield type.fault('type is git but git is not set');
  else if (type.text === 'oci' && !spec.has('oci')) yield type.fault('type is oci but oci is not set');
  yield* gitAddressRules(spec.get('git', 'repo'));
  yield* directoryRules(spec.get('git', 'directory'));
  if (old !== undefined) yield* repositoryChangeRules(spec, old.get('spec'));
}

function* repositoryChangeRules(spec: Field, old: Field): Generator<Finding> {
  if (old.has('type') && spec.get('type').text !== old.get('type').text) {
    yield spec.get('type').fault('type is immutable');
  }
  if (spec.has('oci') && old.has('oci') && changed(spec, old, ['oci', 'registry'])) {
    yield spec.get('oci', 'registry').fault('registry is immutable');
  }
  if (!spec.has('git') || !old.has('git')) return;
  if (changed(spec, old, ['git', 'repo'])) yield spec.get('git', 'repo').fault('repo is immutable');
  if (changed(spec, old, ['git', 'branch'], (branch) => branch || 'main')) {
    yield spec.get('git', 'branch').fault('branch is immutable');
  }
  if (changed(spec, old, ['git', 'directory'], (directory) => directory.replace(/^\/+|\/+$/g, ''))) {
    yield spec.get('git', 'directory').fault('directory is immutable');
  }
}

function* packageRevisionRules(next: Field, old: Field | undefined): Generator<Finding> {
  const spec = next.get('spec');
  if (spec.has('packageName')) yield* packagePathRules(spec.get('packageName'));
  const source = spec.get('source');
  if (spec.has('source')) yield* sourceRules(source);
  if (old === undefined) return;
  const before = old.get('spec');
  for (const name of ['packageName', 'repository', 'workspaceName']) {
    if (changed(spec, before, [name])) yield spec.get(name).fault(`${name} is immutable`);
  }
  const [from, to] = [before, spec].map((side) => side.get('lifecycle').text || 'Draft');
  if (from !== to && !TRANSITIONS.includes(`${from}>${to}`)) {
    yield spec.get('lifecycle').fault('the lifecycle moves Draft <-> Proposed -> Published <-> DeletionProposed only');
  }
  if (before.has('source') && sourceChanged(source, before.get('source'))) yield source.fault(IMMUTABLE_SOURCE);
}

function* sourceRules(source: Field): Generator<Finding> {
  if (SOURCES.filter((name) => source.has(name)).length !== 1) {
    yield source.fault('exactly one of init, cloneFrom, copyFrom and upgrade must be set');
  }
  const subpackage = source.get('init', 'subpackage');
  if (subpackage.text !== '') yield* packagePathRules(subpackage);
  const clone = source.get('cloneFrom');
  const origins = [clone.get('upstreamRef', 'name').text !== '', clone.has('git'), clone.has('oci')];
  if (source.has('cloneFrom') && origins.filter((is) => is).length !== 1) {
    yield clone.fault('exactly one of upstreamRef, git and oci must be set');
  }
  yield* gitAddressRules(clone.get('git', 'repo'));
  yield* directoryRules(clone.get('git', 'directory'));
  yield* imageRules(clone.get('oci', 'image'));
  const upgrade = source.get('upgrade');
  const [from, to] = ['oldUpstream', 'newUpstream'].map((name) => upgrade.has(name));
  if (source.has('upgrade') && (from !== to || to === upgrade.has('oci'))) {
    yield upgrade.fault('set either oldUpstream and newUpstream, or oci');
  }
  yield* imageRules(upgrade.get('oci', 'image'));
}

/** Clients that write objects back add and drop empty fields, so an absent field equals an empty one. */
function sourceChanged(source: Field, old: Field): boolean {
  if (SOURCES.some((name) => source.has(name) !== old.has(name))) return true;
  if (ORIGINS.some(([part, name]) => source.get(part).has(name) !== old.get(part).has(name))) return true;
  const keywords = (side: Field) =>
    side
      .get('init', 'keywords')
      .items()
      .map((item) => item.text);
  if (keywords(source).join('\n') !== keywords(old).join('\n')) return true;
  if (changed(source, old, ['upgrade', 'strategy'], (strategy) => strategy || MERGE_STRATEGY)) return true;
  const leaves = [
    ['init', 'description'],
    ['init', 'site'],
    ['init', 'subpackage'],
    ['cloneFrom', 'type'],
    ['cloneFrom', 'upstreamRef', 'name'],
    ['cloneFrom', 'git', 'repo'],
    ['cloneFrom', 'git', 'ref'],
    ['cloneFrom', 'git', 'directory'],
    ['cloneFrom', 'git', 'secretRef', 'name'],
    ['cloneFrom', 'oci', 'image'],
    ['cloneFrom', 'oci', 'secretRef', 'name'],
    ['copyFrom', 'name'],
    ['upgrade', 'oldUpstream', 'name'],
    ['upgrade', 'newUpstream', 'name'],
    ['upgrade', 'currentPackage', 'name'],
    ['upgrade', 'oci', 'image'],
    ['upgrade', 'oci', 'secretRef', 'name'],
  ];
  return leaves.some((leaf) => changed(source, old, leaf));
}

function* packageVariantRules(next: Field): Generator<Finding> {
  const name = next.get('metadata', 'name');
  if (name.text.includes('.')) {
    yield name.fault(
      "a package variant's name must not contain a dot, because it becomes part of the names of its pipeline steps",
    );
  }
  const spec = next.get('spec');
  const [upstream, downstream] = [spec.get('upstream'), spec.get('downstream')];
  if (downstream.get('package').text !== '') yield* packagePathRules(downstream.get('package'));
  const same = (part: string) =>
    upstream.get(part).text !== '' && upstream.get(part).text === downstream.get(part).text;
  if (same('repo') && same('package')) yield downstream.fault('downstream must not be the upstream package itself');
  yield* labelRules(spec.get('labels'));
  yield* approvalPolicyRules(spec.get('annotations'));
  yield* approvalDelayRules(spec.get('annotations'));
  yield* packageContextRules(spec.get('packageContext'));
  yield* pipelineRules(spec.get('pipeline'));
}

function* labelRules(labels: Field): Generator<Finding> {
  if (labels.has(LEGACY_LATEST_REVISION_LABEL) || labels.has(LATEST_REVISION_LABEL)) {
    yield labels.fault('the latest-revision label belongs to the service');
  }
}

function* approvalPolicyRules(annotations: Field): Generator<Finding> {
  const policy = annotations.get(NEPHIO_APPROVAL_POLICY_ANNOTATION);
  if (typeof policy.value === 'string' && !NEPHIO_POLICIES.includes(policy.text)) {
    yield annotations.fault(`${NEPHIO_APPROVAL_POLICY_ANNOTATION} must be initial or always`);
  }
}

function* approvalDelayRules(annotations: Field): Generator<Finding> {
  const delay = annotations.get(NEPHIO_APPROVAL_DELAY_ANNOTATION);
  if (typeof delay.value === 'string' && !NEPHIO_DELAY.test(delay.text)) {
    yield annotations.fault(`${NEPHIO_APPROVAL_DELAY_ANNOTATION} must be a duration such as 30s or 10m`);
  }
}

function* packageContextRules(context: Field): Generator<Finding> {
  const [data, removeKeys] = [context.get('data'), context.get('removeKeys')];
  const reserved = 'the keys name and package-path belong to the service';
  for (const key of CONTEXT_KEYS) {
    if (data.has(key)) yield data.get(key).fault(reserved);
  }
  for (const key of removeKeys.items()) {
    if (CONTEXT_KEYS.includes(key.text)) yield key.fault(reserved);
    if (data.has(key.text)) yield key.fault('a key must not be both in data and in removeKeys');
  }
}

function* pipelineRules(pipeline: Field): Generator<Finding> {
  for (const step of [...pipeline.get('mutators').items(), ...pipeline.get('validators').items()]) {
    if ((step.get('image').text !== '') === (step.get('exec').text !== '')) {
      yield step.fault('exactly one of image and exec must be set');
    }
    for (const expression of step.get('configMapExprs').items()) yield* mapExpressionRules(expression);
  }
}

function* packageVariantSetRules(next: Field): Generator<Finding> {
  const upstream = next.get('spec', 'upstream');
  const revision = upstream.get('revision').value;
  if (isMap(upstream.value) && !revision && upstream.get('workspaceName').text === '') {
    yield upstream.fault('revision or workspaceName must be set');
  }
  for (const target of next.get('spec', 'targets').items()) yield* targetRules(target);
  yield* rolloutRules(next.get('spec', 'rollout'));
  yield* onlyOneRules(next.get('spec', 'deletionGuard'), 'maxDeletions', 'percent');
}

function* rolloutRules(rollout: Field): Generator<Finding> {
  const names = rollout
    .get('waves')
    .items()
    .map((wave) => wave.get('name').text);
  if (rollout.has('pauseAfter') && ![...names, OTHER_TARGETS].includes(rollout.get('pauseAfter').text)) {
    yield rollout.fault('pauseAfter must be the name of a wave');
  }
  for (const wave of rollout.get('waves').items()) {
    if (wave.get('name').text === OTHER_TARGETS) {
      yield wave.fault('others is the wave of the targets that no wave selects');
    }
    yield* labelSelectorRules(wave.get('selector'));
  }
}

function* targetRules(target: Field): Generator<Finding> {
  const ways = ['repositories', 'repositorySelector', 'objectSelector'].filter((name) => target.has(name));
  if (ways.length !== 1) {
    yield target.fault('exactly one of repositories, repositorySelector and objectSelector must be set');
  }
  const objects = target.get('objectSelector');
  if (objects.get('kind').text === 'Secret' && objects.get('apiVersion').text === 'v1') {
    yield objects.fault('Secrets cannot be selected');
  }
  yield* labelSelectorRules(target.get('repositorySelector'));
  yield* labelSelectorRules(objects);
  yield* templateRules(target.get('template'));
}

function* labelSelectorRules(selector: Field): Generator<Finding> {
  for (const requirement of selector.get('matchExpressions').items()) {
    const needsValues = ['In', 'NotIn'].includes(requirement.get('operator').text);
    if (needsValues !== requirement.get('values').items().length > 0) {
      yield requirement.fault('In and NotIn need values, Exists and DoesNotExist have none');
    }
  }
}

function* templateRules(template: Field): Generator<Finding> {
  for (const name of ['repo', 'package']) yield* onlyOneRules(template.get('downstream'), name, `${name}Expr`);
  yield* labelRules(template.get('labels'));
  yield* approvalPolicyRules(template.get('annotations'));
  for (const way of [['labelExprs'], ['annotationExprs'], ['packageContext', 'dataExprs']]) {
    for (const expression of template.get(...way).items()) yield* mapExpressionRules(expression);
  }
  yield* packageContextRules(template.get('packageContext'));
  yield* pipelineRules(template.get('pipeline'));
  for (const injector of template.get('injectors').items()) yield* exactlyOneRules(injector, 'name', 'nameExpr');
}

function* mapExpressionRules(expression: Field): Generator<Finding> {
  for (const name of ['key', 'value']) yield* exactlyOneRules(expression, name, `${name}Expr`);
}

function* exactlyOneRules(parent: Field, name: string, other: string): Generator<Finding> {
  if (parent.has(name) === parent.has(other)) yield parent.fault(`exactly one of ${name} and ${other} must be set`);
}

function* onlyOneRules(parent: Field, name: string, other: string): Generator<Finding> {
  if (parent.has(name) && parent.has(other)) yield parent.fault(`only one of ${name} and ${other} may be set`);
}

function* packagePathRules(field: Field): Generator<Finding> {
  const parts = field.text.split('/');
  if (parts.some((part) => ['', '.', '..'].includes(part) || part.toLowerCase() === '.git')) {
    yield field.fault(UNSAFE_PATH);
  }
}

const EXECUTORS = ['podExecutor', 'binaryExecutor', 'goExecutor'];
const IMAGE_BASE = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const DURATION = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;

function* functionConfigRules(next: Field): Generator<Finding> {
  const spec = next.get('spec');
  if (!EXECUTORS.some((name) => spec.has(name))) {
    yield spec.fault('at least one of podExecutor, binaryExecutor and goExecutor must be set');
  }
  const image = spec.get('image');
  if (image.text !== '' && !IMAGE_BASE.test(image.text)) {
    yield image.fault('must be the last part of an image name, without registry, tag and digest');
  }
  const pods = spec.get('podExecutor');
  const [minPods, maxPods] = [pods.get('minPods'), pods.get('maxPods')];
  if (typeof minPods.value === 'number' && typeof maxPods.value === 'number' && minPods.value > maxPods.value) {
    yield minPods.fault('minPods must not be above maxPods');
  }
  const timeToLive = pods.get('timeToLive');
  if (typeof timeToLive.value === 'string' && !DURATION.test(timeToLive.text)) {
    yield timeToLive.fault('must be a duration such as 90s or 30m');
  }
}

function* directoryRules(field: Field): Generator<Finding> {
  const parts = field.text.split('/');
  if (parts.some((part) => part === '..' || part.toLowerCase() === '.git')) {
    yield field.fault('must not contain .. or .git');
  }
}

function* imageRules(field: Field): Generator<Finding> {
  const image = field.text;
  if (image !== '' && (!/^[A-Za-z0-9._:@/[\]-]+$/.test(image) || image.startsWith('/') || image.includes('://'))) {
    yield field.fault('this is no image reference');
  }
}

function* gitAddressRules(field: Field): Generator<Finding> {
  const url = field.text;
  if (url.startsWith('-') || /^[A-Za-z][A-Za-z0-9+.-]*::/.test(url)) {
    yield field.fault('this is not the address of a git repository');
  }
  if (/^https?:\/\/[^/]*@/.test(url) || /^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/@]*@/.test(url)) {
    yield field.fault('credentials do not belong in the URL; put them in a Secret and name it in secretRef');
  }
}

function changed(
  next: Field,
  old: Field,
  names: readonly string[],
  normalise: (text: string) => string = (text) => text,
): boolean {
  return normalise(next.get(...names).text) !== normalise(old.get(...names).text);
}
