import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FunctionRuntime } from '../../../src/functions/types.ts';
import { createRenderer, type RendererOptions } from '../../../src/render/renderer.ts';
import type { RenderOutcome } from '../../../src/render/types.ts';
import { configMap, kptfile, packageOf } from '../render/support.ts';

export const ENV = { PATH: process.env.PATH };

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-runtimes-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function script(file: string, text: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${text}`);
  await chmod(file, 0o755);
}

/** A package with one ConfigMap and one step. */
export function packageWith(step: string) {
  return packageOf({
    Kptfile: kptfile('r', `pipeline:\n  mutators:\n  - ${step}\n`),
    'a.yaml': configMap('a', 'data:\n  k: old # why\n'),
  });
}

export function renderWith(
  runtime: FunctionRuntime,
  step: string,
  options: Partial<RendererOptions> = {},
): Promise<RenderOutcome> {
  return createRenderer({ runtime, ...options }).render(packageWith(step), { signal: new AbortController().signal });
}

/** Waits until `check` holds; the test's own time limit ends it. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}
