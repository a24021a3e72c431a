import { isLocalConfig } from '../../../krm/identity.ts';
import type { KrmMap, KrmValue } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { updateFields } from '../../field-path.ts';
import { type FieldSpec, fieldPathOf, hasField } from '../../field-specs.ts';
import { POD_SPECS } from '../../pod-specs.ts';
import { readSetImageConfig } from './config.ts';
import { changeImage } from './image.ts';

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;

const IMAGE_FIELDS: readonly FieldSpec[] = POD_SPECS.flatMap((spec) =>
  CONTAINER_LISTS.map((list) => ({ ...spec, path: `${spec.path}/${list}[]/image` })),
);

/** Sets name, tag or digest of an image in all containers of pods and pod templates. */
export const setImage = defineFunction({
  name: 'set-image',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Sets name, tag or digest of a container image.',
  readConfig: readSetImageConfig,
  transform(items, { change, additionalFields }, results) {
    let changes = 0;
    const fields = [...IMAGE_FIELDS, ...additionalFields].map((spec) => ({ spec, path: fieldPathOf(spec.path) }));
    const update = (current: KrmValue | undefined): KrmValue => {
      if (typeof current !== 'string') return current ?? null;
      const image = changeImage(current, change);
      if (image !== current) changes += 1;
      return image;
    };
    const next = items.map((item) => {
      if (isLocalConfig(item.value)) return item;
      const value = fields.reduce<KrmMap>((resource, { spec, path }) => {
        return hasField(resource, spec) ? (updateFields(resource, path, false, update).value as KrmMap) : resource;
      }, item.value);
      return value === item.value ? item : { ...item, value };
    });
    results.info(`summary: updated a total of ${changes} image(s)`);
    return next;
  },
});
