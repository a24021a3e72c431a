import { TerminalError } from '../../api/errors.ts';
import type { PackageVariant } from '../../api/kinds.ts';
import { LEGACY_LATEST_REVISION_LABEL, LATEST_REVISION_LABEL, NEPHIO_APPROVAL_DELAY_ANNOTATION, NEPHIO_APPROVAL_POLICY_ANNOTATION } from '../../api/labels.ts';
import { objectLabel } from '../../api/object.ts';
import { type ApprovalPolicy, type ApprovalSettings, parseDuration } from './approval.ts';

interface Fault {
  readonly field: string;
  readonly message: string;
}

/**
 * Rules of a PackageVariant beyond its schema; the same ones that CEL states in the CRD where it can.
 * @throws TerminalError reason InvalidSpec with all faults
 */
export function validateVariant(variant: PackageVariant): void {
  const faults = variantFaults(variant);
  const [first] = faults;
  if (!first) return;
  const message = faults.map((fault) => `${fault.field}: ${fault.message}`).join('; ');
  throw new TerminalError('ValidationError', message, { object: objectLabel(variant), field: first.field });
}

export function variantFaults(variant: PackageVariant): Fault[] {
  const { spec } = variant;
  return [
    ...endFaults('spec.upstream', spec?.upstream),
    ...endFaults('spec.downstream', spec?.downstream),
    ...policyFaults(spec),
    ...sameEndsFaults(spec),
    ...contextFaults(spec?.packageContext),
    ...pipelineFaults(variant),
    ...injectorFaults(spec?.injectors),
    ...labelFaults(spec?.labels),
    ...approvalFaults(variant),
  ];
}

type Spec = PackageVariant['spec'] | undefined;

function endFaults(field: string, end: { readonly repo?: string; readonly package?: string } | undefined): Fault[] {
  if (!end) return [{ field, message: 'must be set' }];
  const missing = (['repo', 'package'] as const).filter((part) => !end[part]);
  return missing.map((part) => ({ field: `${field}.${part}`, message: 'must be set' }));
}

function policyFaults(spec: Spec): Fault[] {
  const faults: Fault[] = [];
  const adoption: string = spec?.adoptionPolicy || 'adoptNone';
  const deletion: string = spec?.deletionPolicy || 'delete';
  if (!['adoptNone', 'adoptExisting'].includes(adoption)) {
    faults.push({ field: 'spec.adoptionPolicy', message: `${JSON.stringify(adoption)} is none of adoptNone, adoptExisting` });
  }
  if (!['delete', 'orphan'].includes(deletion)) {
    faults.push({ field: 'spec.deletionPolicy', message: `${JSON.stringify(deletion)} is none of delete, orphan` });
  }
  return faults;
}

function sameEndsFaults(spec: Spec): Fault[] {
  if (!spec?.upstream?.repo || !spec.downstream?.repo) return [];
  const same = spec.upstream.repo === spec.downstream.repo && spec.upstream.package === spec.downstream.package;
  return same ? [{ field: 'spec.downstream', message: 'is the upstream package itself' }] : [];
}

/** Written by the package context generator from the package's own name and place. */
const RESERVED_CONTEXT_KEYS = ['name', 'package-path'];

function contextFaults(context: NonNullable<Spec>['packageContext']): Fault[] {
  const data = Object.keys(context?.data ?? {});
  const removeKeys = context?.removeKeys ?? [];
  const faults: Fault[] = [];
  for (const reserved of RESERVED_CONTEXT_KEYS) {
    if (data.includes(reserved)) faults.push({ field: 'spec.packageContext.data', message: `key ${JSON.stringify(reserved)} is reserved` });
    if (removeKeys.includes(reserved)) {
      faults.push({ field: 'spec.packageContext.removeKeys', message: `key ${JSON.stringify(reserved)} is reserved` });
    }
  }
  for (const key of data.filter((candidate) => removeKeys.includes(candidate))) {
    faults.push({ field: 'spec.packageContext', message: `key ${JSON.stringify(key)} is in data and in removeKeys` });
  }
  return faults;
}

function pipelineFaults({ metadata, spec }: PackageVariant): Fault[] {
  const faults: Fault[] = [];
  const lists = [
    ['mutators', spec?.pipeline?.mutators ?? []],
    ['validators', spec?.pipeline?.validators ?? []],
  ] as const;
  for (const [list, functions] of lists) {
    functions.forEach((fn, index) => {
      const field = `spec.pipeline.${list}[${index}]`;
      if (!fn.image === !fn.exec) faults.push({ field, message: 'needs exactly one of image and exec' });
      if (fn.name?.includes('.')) faults.push({ field: `${field}.name`, message: `${JSON.stringify(fn.name)} must not contain a dot` });
    });
  }
  const hasFunctions = lists.some(([, functions]) => functions.length > 0);
  if (hasFunctions && metadata.name.includes('.')) {
    faults.push({ field: 'metadata.name', message: 'must not contain a dot when spec.pipeline is used' });
  }
  return faults;
}

function injectorFaults(injectors: NonNullable<Spec>['injectors']): Fault[] {
  return (injectors ?? []).flatMap((injector, index) =>
    injector.name ? [] : [{ field: `spec.injectors[${index}].name`, message: 'must be set' }],
  );
}

function labelFaults(labels: NonNullable<Spec>['labels']): Fault[] {
  const owned = [LATEST_REVISION_LABEL, LEGACY_LATEST_REVISION_LABEL].filter((label) => labels?.[label] !== undefined);
  return owned.map((label) => ({ field: 'spec.labels', message: `${label} is set by the operator` }));
}

function approvalFaults(variant: PackageVariant): Fault[] {
  const settings = approvalSettings(variant);
  return 'field' in settings ? [settings] : [];
}

/** The policy of `spec.approval`, else that of Nephio's annotations, else Manual. */
export function approvalSettings(variant: PackageVariant): ApprovalSettings | Fault {
  const { approval, annotations } = variant.spec ?? {};
  const delayField = approval?.delay !== undefined ? 'spec.approval.delay' : `spec.annotations[${NEPHIO_APPROVAL_DELAY_ANNOTATION}]`;
  const delay = parseDuration(approval?.delay ?? annotations?.[NEPHIO_APPROVAL_DELAY_ANNOTATION] ?? '0');
  if (delay === undefined) return { field: delayField, message: 'is no duration such as 30s or 10m' };
  const policy = approval?.policy ?? nephioPolicy(annotations?.[NEPHIO_APPROVAL_POLICY_ANNOTATION]);
  if (!policy) {
    return { field: `spec.annotations[${NEPHIO_APPROVAL_POLICY_ANNOTATION}]`, message: 'is none of initial, always' };
  }
  return { policy, delayMs: delay, requiredGates: approval?.requiredGates ?? [] };
}

function nephioPolicy(value: string | undefined): ApprovalPolicy | undefined {
  if (value === undefined || value === '') return 'Manual';
  const policies: Readonly<Record<string, ApprovalPolicy>> = { initial: 'Initial', always: 'Always' };
  return policies[value];
}
