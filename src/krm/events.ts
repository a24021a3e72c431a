import { EVENT_ID, type Event, parseEvents, YAMLException } from 'js-yaml';
import { MAX_DEPTH } from './limits.ts';

export type FaultCode = 'syntax' | 'duplicateKey' | 'tooDeep' | 'tooLarge';

/** A fault in one document's text. */
export class SourceFault extends Error {
  readonly code: FaultCode;
  /** Offset in the text. */
  readonly offset: number;

  constructor(code: FaultCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** Deep enough that a scalar in the deepest legal collection, and a key in it, can be read. */
const PARSER_DEPTH = MAX_DEPTH + 2;

/**
 * Parses one document's text into events with offsets.
 * @throws SourceFault
 */
export function documentEvents(source: string): Event[] {
  let events: Event[];
  try {
    events = parseEvents(source, { maxDepth: PARSER_DEPTH });
  } catch (error) {
    throw toFault(source, error);
  }
  checkDepth(events);
  return events;
}

function toFault(source: string, error: unknown): SourceFault {
  if (!(error instanceof YAMLException)) {
    return new SourceFault('syntax', error instanceof Error ? error.message : String(error), 0);
  }
  const offset = error.mark?.position ?? 0;
  // Whether it was the depth shows by trying one level more: only then the parser gets further.
  try {
    parseEvents(source, { maxDepth: PARSER_DEPTH + 1 });
  } catch (deeper) {
    if (deeper instanceof YAMLException && deeper.mark?.position === offset) {
      return new SourceFault('syntax', error.reason, offset);
    }
  }
  return tooDeep(offset);
}

function checkDepth(events: readonly Event[]): void {
  let depth = 0;
  for (const event of events) {
    if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) {
      depth += 1;
      if (depth > MAX_DEPTH) throw tooDeep(event.start);
    } else if (event.type === EVENT_ID.POP) depth -= 1;
  }
}

function tooDeep(offset: number): SourceFault {
  return new SourceFault('tooDeep', `collections are nested more than ${MAX_DEPTH} levels deep`, offset);
}
