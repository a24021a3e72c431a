import { TerminalError } from '../../api/errors.ts';
import type { PackageVariant } from '../../api/kinds.ts';
import { NEPHIO_APPROVAL_DELAY_ANNOTATION, NEPHIO_APPROVAL_POLICY_ANNOTATION } from '../../api/labels.ts';
import { objectLabel } from '../../api/object.ts';
import { type Diagnostic, describeDiagnostics, validateManifest } from '../../api/validate.ts';
import { type ApprovalPolicy, type ApprovalSettings, parseDuration } from './approval.ts';

/**
 * The rules of the CRD once more, since an object may be older than they are.
 * @throws TerminalError reason ValidationError with all faults
 */
export function validateVariant(variant: PackageVariant): void {
  const faults = validateManifest(variant);
  const [first] = faults;
  if (!first) return;
  throw new TerminalError('ValidationError', describeDiagnostics(faults), {
    object: objectLabel(variant),
    field: first.field,
  });
}

/** The policy of `spec.approval`, else that of Nephio's annotations, else Manual; or what is wrong with them. */
export function approvalSettings(variant: PackageVariant): ApprovalSettings | Diagnostic {
  const { approval, annotations } = variant.spec ?? {};
  const delay = parseDuration(approval?.delay ?? annotations?.[NEPHIO_APPROVAL_DELAY_ANNOTATION] ?? '0');
  if (delay === undefined) {
    const field =
      approval?.delay !== undefined ? 'spec.approval.delay' : annotationField(NEPHIO_APPROVAL_DELAY_ANNOTATION);
    return { field, message: 'must be a duration such as 30s or 10m' };
  }
  const policy = approval?.policy ?? nephioPolicy(annotations?.[NEPHIO_APPROVAL_POLICY_ANNOTATION]);
  if (!policy)
    return { field: annotationField(NEPHIO_APPROVAL_POLICY_ANNOTATION), message: 'must be initial or always' };
  return { policy, delayMs: delay, requiredGates: approval?.requiredGates ?? [] };
}

function annotationField(name: string): string {
  return `spec.annotations["${name}"]`;
}

function nephioPolicy(value: string | undefined): ApprovalPolicy | undefined {
  switch (value) {
    case undefined:
    case '':
      return 'Manual';
    case 'initial':
      return 'Initial';
    case 'always':
      return 'Always';
    default:
      return undefined;
  }
}
