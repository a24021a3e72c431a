import { TerminalError, TransientError } from '../../api/errors.ts';
import { imageName, parseImage } from '../../functions/image.ts';
import type { Package } from '../../package/package.ts';
import type { UpstreamLock } from '../../repository/types.ts';
import { readRootKptfile } from '../root-kptfile.ts';
import type { ImageUpgrade, MutationContext, ResolvedImage, ResolvedRevision } from '../types.ts';

const FIELD = 'spec.source.upgrade';

/** What an upgrade merges into the local package: from one state of upstream to another. */
export interface UpgradeEnds {
  readonly base: Package;
  readonly updated: { readonly content: Package; readonly lock: UpstreamLock };
  readonly warnings: readonly string[];
}

/**
 * The image that the package's lock names, by digest, and the one to move to: two states of one image name, whatever tags
 * have become of them.
 * @throws TerminalError NoUpstream, UpstreamMismatch; what registries are asked for throws
 */
export async function imageEnds(
  task: ImageUpgrade,
  local: ResolvedRevision,
  context: MutationContext,
): Promise<UpgradeEnds> {
  const locked = lockedImage(local, context);
  const updated = await context.sources.image(task.oci, context.signal);
  if (nameOf(updated.lock.oci.digest) !== nameOf(locked)) {
    const message = `${local.name} was made from ${locked}, and ${task.oci.image} is another image`;
    throw new TerminalError('UpstreamMismatch', message, at(context, 'oci.image'));
  }
  const base = locked === updated.lock.oci.digest ? updated : await readBase(locked, task, local, context);
  return { base: base.content, updated, warnings: [] };
}

/** `host/path@sha256:…` */
function lockedImage(local: ResolvedRevision, context: MutationContext): string {
  const { oci, git } = readRootKptfile(local.content).upstreamLock ?? {};
  if (oci?.digest?.includes('@')) return oci.digest;
  const named = oci?.image === undefined ? undefined : parseImage(oci.image);
  if (named && oci?.digest) return `${imageName(named)}@${oci.digest}`;
  if (git) {
    const message = `${local.name} was made from a package in git, ${git.repo}, not from an image`;
    throw new TerminalError('UpstreamMismatch', message, at(context, 'oci'));
  }
  const message = `${local.name} has no upstream lock: it was not made from an image`;
  throw new TerminalError('NoUpstream', message, at(context, 'currentPackage.name'));
}

async function readBase(
  image: string,
  { oci: { secretRef } }: ImageUpgrade,
  local: ResolvedRevision,
  { sources, signal }: MutationContext,
): Promise<ResolvedImage> {
  try {
    return await sources.image({ image, secretRef }, signal);
  } catch (error) {
    if (!(error instanceof TransientError) || error.reason !== 'ManifestNotFound') throw error;
    const message = `the image that ${local.name} was made from is no longer in its registry: ${error.message}`;
    throw new TransientError(error.reason, message, { cause: error });
  }
}

function nameOf(reference: string): string {
  return reference.slice(0, reference.indexOf('@'));
}

function at({ target }: MutationContext, field: string) {
  return { object: target.object, field: `${FIELD}.${field}` };
}
