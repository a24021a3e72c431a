import type { SeededRandom } from '../support/random.ts';
import type { Approval, Fleet } from './fleet.ts';

/** Packages whose content is looked at, beside the refs of all. */
const LOOKED_AT = 20;

/**
 * Looks at the downstream repository with the git binary.
 * @returns number of commits in it
 * @throws Error saying what is wrong
 */
export async function verifyFleet(fleet: Fleet, approval: Approval, random: SeededRandom): Promise<number> {
  const { downstream, variants } = fleet;
  const refs = new Set((await downstream.refs()).keys());
  const revisionRef = (name: string, drafts: ReadonlyMap<string, string>): string =>
    approval === 'Initial' ? `refs/tags/${name}/v1` : (drafts.get(name) ?? `a draft of ${name}`);
  const drafts = new Map(
    [...refs].filter((ref) => ref.startsWith('refs/heads/drafts/')).map((ref) => [packageOf(ref), ref]),
  );
  const missing = variants.filter((name) => !refs.has(revisionRef(name, drafts)));
  if (missing.length > 0)
    throw new Error(`${missing.length} of ${variants.length} revisions are missing: ${missing.slice(0, 3)}`);
  if (refs.size !== variants.length + 1) throw new Error(`${refs.size} refs instead of ${variants.length + 1}`);
  for (let count = 0; count < LOOKED_AT; count++) {
    const name = random.pick(variants);
    await checkContent(fleet, name, revisionRef(name, drafts));
    if (approval === 'Initial') await checkContent(fleet, name, 'refs/heads/main');
  }
  await downstream.fsck();
  return Number(await downstream.git('rev-list', '--count', '--all'));
}

function packageOf(draftRef: string): string {
  return draftRef.split('/')[3] ?? '';
}

async function checkContent({ downstream, targetNamespace }: Fleet, name: string, ref: string): Promise<void> {
  for (const file of ['deployment.yaml', 'service.yaml', 'configmap.yaml']) {
    const text = await downstream.git('show', `${ref}:${name}/${file}`);
    if (!text.includes(`  namespace: ${targetNamespace}\n`)) throw new Error(`${ref}: ${file} is not rendered`);
  }
  const kptfile = await downstream.git('show', `${ref}:${name}/Kptfile`);
  if (!kptfile.includes(`  name: ${name}\n`)) throw new Error(`${ref}: the Kptfile is not that of ${name}`);
}
