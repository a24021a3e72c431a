import { isLocalConfig } from '../../../krm/identity.ts';
import type { KrmMap, KrmValue } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { updateFields } from '../../field-path.ts';
import { type FieldSpec, FieldsByKind, fieldPathOf } from '../../field-specs.ts';
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
    const specs = [...IMAGE_FIELDS, ...additionalFields];
    const fields = new FieldsByKind(specs.map((spec) => ({ ...spec, parts: fieldPathOf(spec.path) })));
    const update = (current: KrmValue | undefined): KrmValue => {
      if (typeof current !== 'string') return current ?? null;
      const image = changeImage(current, change);
      if (image !== current) changes += 1;
      return image;
    };
    const next = items.map((item) => {
      if (isLocalConfig(item.value)) return item;
      const value = fields.of(item.value).reduce<KrmMap>((resource, { parts }) => {
        return updateFields(resource, parts, false, update).value as KrmMap;
      }, item.value);
      return value === item.value ? item : { ...item, value };
    });
    results.info(`summary: updated a total of ${changes} image(s)`);
    return next;
  },
});
