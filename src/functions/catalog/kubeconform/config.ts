import type { KrmMap } from '../../../krm/value.ts';
import { readSchemaCheckConfig, type SchemaCheckConfig } from '../../schema-check.ts';

/** `strict`, `ignore_missing_schemas`, `skip_kinds`; schemas cannot be fetched, so `schema_location` is passed over. */
export function readKubeconformConfig(config: KrmMap | undefined): SchemaCheckConfig {
  return readSchemaCheckConfig(config);
}
