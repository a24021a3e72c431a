import { TerminalError } from '../api/errors.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_RULE = 'at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit';
const OBJECT_NAME_LIMIT = 253;

const PACKAGE_FIELD = 'spec.packageName';
const WORKSPACE_FIELD = 'spec.workspaceName';

/**
 * A package name is a path whose every part is a DNS label. Such names are always legal in refs, paths and object names.
 * @throws TerminalError InvalidName with field spec.packageName
 */
export function validatePackageName(name: string): void {
  const bad = name.split('/').find((part) => !DNS_LABEL.test(part));
  if (bad === undefined) return;
  const part = bad === name ? '' : `, but its part ${JSON.stringify(bad)} is not`;
  throw new TerminalError(
    'InvalidName',
    `package name ${JSON.stringify(name)} is not valid: each part between slashes must be ${LABEL_RULE}${part}`,
    { field: PACKAGE_FIELD },
  );
}

/** @throws TerminalError InvalidName with field spec.workspaceName unless the name is a DNS label */
export function validateWorkspace(name: string): void {
  if (DNS_LABEL.test(name)) return;
  throw new TerminalError(
    'InvalidName',
    `workspace name ${JSON.stringify(name)} is not valid: it must be ${LABEL_RULE}`,
    { field: WORKSPACE_FIELD },
  );
}

/** Name of the PackageRevision object: `<repository>.<package, slashes as dots>.<workspace>`. Never parsed back. */
export function packageRevisionName(repository: string, packageName: string, workspace: string): string {
  return `${repository}.${packageName.replaceAll('/', '.')}.${workspace}`;
}

/**
 * Checks everything that a new package revision's name is composed of.
 * @throws TerminalError InvalidName; with field spec.packageName when only the whole is too long
 */
export function validateRevisionName(repository: string, packageName: string, workspace: string): void {
  validatePackageName(packageName);
  validateWorkspace(workspace);
  const name = packageRevisionName(repository, packageName, workspace);
  if (name.length <= OBJECT_NAME_LIMIT) return;
  throw new TerminalError(
    'InvalidName',
    `object name ${JSON.stringify(name)} has ${name.length} characters, ${OBJECT_NAME_LIMIT} are allowed: ` +
      `repository ${repository.length}, package ${packageName.length}, workspace ${workspace.length}`,
    { field: PACKAGE_FIELD },
  );
}

/**
 * A new package must be neither an existing one nor above or below one; sharing the beginning of a name is no overlap.
 * @throws TerminalError PackageExists or PackageOverlap with field spec.packageName
 */
export function validateNoOverlap(packageName: string, existing: Iterable<string>): void {
  for (const other of existing) {
    if (other === packageName) {
      throw new TerminalError(
        'PackageExists',
        `package ${JSON.stringify(packageName)} already exists in the repository`,
        {
          field: PACKAGE_FIELD,
        },
      );
    }
    if (isWithin(packageName, other) || isWithin(other, packageName)) {
      throw new TerminalError(
        'PackageOverlap',
        `package ${JSON.stringify(packageName)} overlaps package ${JSON.stringify(other)}: packages cannot be nested`,
        { field: PACKAGE_FIELD },
      );
    }
  }
}

/** True when `path` is `directory` or lies below it; '' is the root. */
export function isWithin(path: string, directory: string): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`);
}
