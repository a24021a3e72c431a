import type { RenderPackage } from './discovery.ts';
import { itemPackages, type RenderItem } from './item.ts';
import { type RenderRun, runStep } from './step.ts';

/**
 * Runs the pipelines of all packages of a tree. A pipeline works on the resources of its own package and of those
 * below. Mutators feed each other; validators see what the last one left, and what they change is dropped.
 *
 * `run.items` always holds what the steps so far have made, also when one fails.
 * @param order `children-first`: subpackages in plain string order of their directory, each with all below it, then
 * the package's own pipeline. `parents-first`: the root, then its subpackages, then theirs, so that a subpackage has
 * the last word.
 * @throws VerandaError of the first step that fails
 */
export async function hydrate(run: RenderRun, order: 'children-first' | 'parents-first'): Promise<void> {
  const directories = order === 'children-first' ? postOrder(run, '') : levelOrder(run);
  for (const directory of directories) await runPipeline(run, run.packages.get(directory) as RenderPackage);
}

function postOrder(run: RenderRun, directory: string): string[] {
  const { subpackages } = run.packages.get(directory) as RenderPackage;
  return [...subpackages.flatMap((subpackage) => postOrder(run, subpackage)), directory];
}

function levelOrder(run: RenderRun): string[] {
  const order = [''];
  for (const directory of order) order.push(...(run.packages.get(directory) as RenderPackage).subpackages);
  return order;
}

async function runPipeline(run: RenderRun, node: RenderPackage): Promise<void> {
  const steps = [...node.mutators, ...node.validators];
  if (steps.length === 0) return;
  const below = subtree(run, node.directory);
  let items: readonly RenderItem[] = below.flatMap((directory) => run.items.get(directory) ?? []);
  for (const step of steps) {
    const next = await runStep(run, step, items);
    if (next === items) continue;
    items = next;
    // A package that has lost all its resources has an empty list: none of the old ones may come back.
    const byPackage = itemPackages(items);
    for (const directory of below) run.items.set(directory, byPackage.get(directory) ?? []);
  }
}

/** A package's directory and those of all packages below it. */
function subtree(run: RenderRun, directory: string): string[] {
  const { subpackages } = run.packages.get(directory) as RenderPackage;
  return [directory, ...subpackages.flatMap((subpackage) => subtree(run, subpackage))];
}
