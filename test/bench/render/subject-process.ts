import { join } from 'node:path';
import { SubjectProcess } from '../support/subject-process.ts';
import type { Request } from './subject.ts';

/** A process that renders and works on resources. */
export function startSubject(): SubjectProcess<Request> {
  return new SubjectProcess(join(import.meta.dirname, 'subject.ts'));
}
