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
    const tolerated = parseShallowFlow(source, error);
    if (tolerated === undefined) throw toFault(source, error);
    events = tolerated;
  }
  checkDepth(events);
  return events;
}

/** Text that may be parsed again for the sake of shallow flow collections. */
const REPARSE_BUDGET = 4 * 1024 * 1024;

/**
 * Go accepts flow collections whose lines are not deeper than their key (`key: {` … `}` at column 0), YAML 1.2 does
 * not. Line breaks that the parser stops behind are made blanks, at the same offsets, until it gets through.
 */
function parseShallowFlow(source: string, error: unknown): Event[] | undefined {
  let text = source;
  let fault = error;
  let reached = 0;
  const joints: number[] = [];
  for (let budget = REPARSE_BUDGET; budget > 0; budget -= text.length) {
    const offset = fault instanceof YAMLException ? (fault.mark?.position ?? 0) : 0;
    if (offset <= reached) return undefined;
    reached = offset;
    const joined = joinToLineAbove(text, offset);
    if (joined === undefined) return undefined;
    joints.push(lineStart(text, offset) - 1);
    text = joined;
    try {
      const events = parseEvents(text, { maxDepth: PARSER_DEPTH });
      return joints.some((at) => isInScalar(events, at)) ? undefined : events;
    } catch (next) {
      fault = next;
    }
  }
  return undefined;
}

/** Blanks out the line breaks, blank lines and comments between the first token of a line and the token before it. */
function joinToLineAbove(text: string, offset: number): string | undefined {
  let from = lineStart(text, offset);
  if (from === 0 || text.slice(from, offset).trim() !== '') return undefined;
  for (let content = ''; content.trim() === ''; ) {
    if (from === 0) return undefined;
    const above = lineStart(text, from - 1);
    content = withoutComment(text.slice(above, from));
    from = content.trim() === '' ? above : above + content.trimEnd().length;
  }
  return text.slice(0, from) + ' '.repeat(offset - from) + text.slice(offset);
}

/** The line up to its comment: a `#` behind a blank, outside of quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (character === '\\' && quote === '"') at += 1;
    else if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '#' && /^\s?$/.test(line[at - 1] ?? '')) return line.slice(0, at);
  }
  return line;
}

function isInScalar(events: readonly Event[], at: number): boolean {
  return events.some((event) => event.type === EVENT_ID.SCALAR && event.valueStart <= at && at < event.valueEnd);
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
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
