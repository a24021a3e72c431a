import { getString, type KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';

/** Keys of the annotations: `data.annotationKeys`, separated by commas. */
export function readAnnotationKeys(config: KrmMap | undefined): readonly string[] {
  const keys = (getString(config, ['data', 'annotationKeys']) ?? '').split(',').map((key) => key.trim());
  const named = keys.filter((key) => key !== '');
  if (named.length > 0) return named;
  throw new FunctionFault('annotationKeys was not provided as part of the config or paramters to the function');
}
