import type { KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import { configData } from '../../function-config.ts';

/** Name of the setter, and of the key in the ConfigMap. */
export const PROJECT_ID = 'project-id';

/** `data.project-id` of a ConfigMap. */
export function readProjectId(config: KrmMap | undefined): string {
  const projectId = config === undefined ? undefined : configData(config)[PROJECT_ID];
  if (!projectId) throw new FunctionFault('failed to set project-id: `data.project-id` must not be empty');
  return projectId;
}
