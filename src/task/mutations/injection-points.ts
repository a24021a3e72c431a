import { Buffer } from 'node:buffer';
import { TerminalError } from '../../api/errors.ts';
import { CONFIG_INJECTION_ANNOTATION } from '../../api/labels.ts';
import { isResource, type KrmDocument, type KrmFile, parseKrmFile } from '../../krm/file.ts';
import { getIn, getString, type KrmMap } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';

const TYPE_PREFIX = 'config.injection.';

/** A resource of the package that asks for data from the cluster. */
export interface InjectionPoint {
  readonly file: string;
  readonly document: KrmDocument;
  readonly value: KrmMap;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly required: boolean;
  /** Type of the condition, and of the readiness gate of a required point. */
  readonly conditionType: string;
}

/** The points of a package, and the files that hold any. */
export interface InjectionPoints {
  readonly points: readonly InjectionPoint[];
  readonly files: ReadonlyMap<string, KrmFile>;
}

/** Conditions and gates of this name belong to the injection and to nobody else. */
export function isInjectionType(conditionType: string): boolean {
  return conditionType.startsWith(TYPE_PREFIX);
}

/**
 * All injection points of a package and its subpackages, in file order. Files without the annotation's name in their
 * text are never read, so whatever else a package holds does not matter.
 * @throws TerminalError InvalidInjectionPoint naming every point at fault and the file of the first
 */
export function findInjectionPoints(pkg: Package): InjectionPoints {
  const points: InjectionPoint[] = [];
  const files = new Map<string, KrmFile>();
  const faults: PointFault[] = [];
  for (const [path, { bytes, mode }] of pkg.entries()) {
    if (!/(^|\/)Kptfile$|\.(ya?ml|json)$/.test(path) || mode === '120000' || mode === '160000') continue;
    if (!Buffer.from(bytes).includes(CONFIG_INJECTION_ANNOTATION)) continue;
    const file = parseKrmFile(path, bytes);
    const found = pointsOf(file, faults);
    if (found.length > 0) files.set(path, file);
    points.push(...found);
  }
  faults.push(...duplicates(points));
  const [first] = faults;
  if (!first) return { points, files };
  const message = faults.map((fault) => `${fault.file}: ${fault.message}`).join(', ');
  throw new TerminalError('InvalidInjectionPoint', message, { file: first.file, line: first.line });
}

interface PointFault {
  readonly file: string;
  readonly line?: number;
  readonly message: string;
}

function pointsOf(file: KrmFile, faults: PointFault[]): InjectionPoint[] {
  const [problem] = file.problems;
  if (problem) {
    faults.push({ file: file.path, line: problem.line, message: `cannot be read for injection: ${problem.message}` });
    return [];
  }
  return file.documents.flatMap((document) => {
    const point = toPoint(file.path, document);
    if (!point) return [];
    if (!('message' in point)) return [point];
    faults.push(point);
    return [];
  });
}

function toPoint(file: string, document: KrmDocument): InjectionPoint | PointFault | undefined {
  const { value, line } = document;
  const wanted = getIn(value, ['metadata', 'annotations', CONFIG_INJECTION_ANNOTATION]);
  if (wanted === undefined) return undefined;
  const name = getString(value, ['metadata', 'name']);
  if (!isResource(value) || !name) {
    return { file, line, message: 'an injection point must have apiVersion, kind and metadata.name' };
  }
  const { apiVersion, kind } = value as KrmMap & { readonly apiVersion: string; readonly kind: string };
  if (wanted !== 'required' && wanted !== 'optional') {
    const message = `${kind}/${name} has annotation ${CONFIG_INJECTION_ANNOTATION}: ${JSON.stringify(wanted)}; it must be "required" or "optional"`;
    return { file, line, message };
  }
  const conditionType = `${TYPE_PREFIX}${kind}.${name}`;
  return { file, document, value, apiVersion, kind, name, required: wanted === 'required', conditionType };
}

function duplicates(points: readonly InjectionPoint[]): PointFault[] {
  const last = new Map<string, InjectionPoint>();
  const faults: PointFault[] = [];
  for (const point of points) {
    const before = last.get(point.conditionType);
    if (before) {
      const message = `duplicate injection point ${point.conditionType}, also in ${before.file}`;
      faults.push({ file: point.file, line: point.document.line, message });
    }
    last.set(point.conditionType, point);
  }
  return faults;
}
