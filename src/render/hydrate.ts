import type { RenderPackage } from './discovery.ts';
import type { RenderItem } from './item.ts';
import { type RenderRun, runStep } from './step.ts';

/**
 * Runs the pipelines of a package and of all below it, depth first: subpackages in plain string order of their
 * directory, then the package's own pipeline on its own resources and those of the subpackages. Mutators feed each
 * other; validators see what the last one left, and what they change is dropped.
 * @throws VerandaError of the first step that fails
 */
export async function hydrate(run: RenderRun, directory: string): Promise<readonly RenderItem[]> {
  const node = run.packages.get(directory) as RenderPackage;
  const collected: RenderItem[] = [...(run.content.items.get(directory) ?? [])];
  for (const subpackage of node.subpackages) collected.push(...(await hydrate(run, subpackage)));
  let items: readonly RenderItem[] = collected;
  for (const step of [...node.mutators, ...node.validators]) items = await runStep(run, step, items);
  return items;
}
