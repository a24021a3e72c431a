import type { ImageChange } from './config.ts';

interface ImageParts {
  readonly name: string;
  /** With the colon in front; '' when there is none. */
  readonly tag: string;
  /** With the at sign in front; '' when there is none. */
  readonly digest: string;
}

/** A colon in front of a slash is a registry's port. */
function splitImage(image: string): ImageParts {
  const at = image.indexOf('@');
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return {
    name: colon < 0 ? named : named.slice(0, colon),
    tag: colon < 0 ? '' : named.slice(colon),
    digest: at < 0 ? '' : image.slice(at),
  };
}

/** The image after a change; the same text when it is another image. A new tag makes the old digest void. */
export function changeImage(image: string, { name, newName, newTag, digest }: ImageChange): string {
  const parts = splitImage(image);
  if (parts.name !== name) return image;
  const next = newName ?? parts.name;
  if (digest !== undefined) return `${next}@${digest}`;
  return newTag === undefined ? next + parts.tag + parts.digest : `${next}:${newTag}`;
}
