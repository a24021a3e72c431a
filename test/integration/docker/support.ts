import type { FunctionRuntime } from '../../../src/functions/types.ts';
import { type ContainerRuntimeOptions, createContainerRuntime } from '../../../src/runtimes/container.ts';
import type { DockerEngine } from '../../env/docker/engine.ts';

/** The container runtime of `veranda render` on an engine for tests. */
export function runtimeOn(engine: DockerEngine, options: Partial<ContainerRuntimeOptions> = {}): FunctionRuntime {
  const base = { engine: engine.client, pullPolicy: 'missing', allowNetwork: false, env: engine.env } as const;
  return createContainerRuntime({ ...base, ...options });
}
