import { TerminalError } from '../api/errors.ts';
import { editKptfile, type Kptfile, readKptfile } from '../krm/kptfile.ts';
import type { KrmMap } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { PackageFile } from '../package/types.ts';

/** @throws TerminalError KptfileMissing; InvalidKptfile with file, line and field */
export function readRootKptfile(pkg: Package): Kptfile {
  return readKptfile(KPTFILE, rootKptfile(pkg).bytes).kptfile;
}

/**
 * The package with its root Kptfile edited in place; the same object when `edit` changes nothing.
 * @throws TerminalError as `readRootKptfile`
 */
export function editRootKptfile(pkg: Package, edit: (kptfile: KrmMap) => KrmMap): Package {
  const file = rootKptfile(pkg);
  return pkg.edit([[KPTFILE, { mode: file.mode, bytes: editKptfile(KPTFILE, file.bytes, edit) }]]);
}

function rootKptfile(pkg: Package): PackageFile {
  const file = pkg.get(KPTFILE);
  if (!file || file.mode === '120000' || file.mode === '160000') {
    throw new TerminalError('KptfileMissing', 'package must contain Kptfile at root', { file: KPTFILE });
  }
  return file;
}
