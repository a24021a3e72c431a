import { type ServiceError, status } from '@grpc/grpc-js';
import type { FunctionResult, ResourceRef } from '../../krm/resource-list.ts';

/** What a function that failed had to say, as far as the runner's error text still holds it. */
export interface RecoveredFailure {
  readonly results: readonly FunctionResult[];
  readonly stderr: string;
}

const STRUCTURED = /with structured results: ([\s\S]*) and stderr: ([\s\S]*)$/;
const RESULT = /^\[(error|warning|info)\](?: (?!:)(\S+))?(?: (\S+))?: ([\s\S]*)$/;

/**
 * The runner's protocol has no field for the results of a function that fails: its wrapper prints them into the status
 * message, one `[severity] apiVersion/kind/namespace/name field: message` after the other with an empty line between. They are read
 * back from there; nothing is decided by it.
 * @returns undefined when the text has no structured results
 */
export function recoverFailure(message: string): RecoveredFailure | undefined {
  const [, flattened, stderr = ''] = STRUCTURED.exec(message) ?? [];
  if (flattened === undefined) return undefined;
  const parts = flattened.split(/\n\n(?=\[(?:error|warning|info)\])/).filter((part) => part.trim() !== '');
  return { results: parts.map(parseResult), stderr };
}

/** What the runner's pods say of the evaluation itself; anything else that they say is the runner's trouble. */
const CODES_OF_PODS: ReadonlyMap<string, status> = new Map([
  ['Internal', status.INTERNAL],
  ['ResourceExhausted', status.RESOURCE_EXHAUSTED],
  ['DeadlineExceeded', status.DEADLINE_EXCEEDED],
]);

/**
 * The runner passes on what one of its pods answered as an error of its own, with the code `Unknown` and the pod's code
 * in the text. The first other code counts: behind it is the function's own output, which may hold anything.
 */
export function recoverCode({ code, details }: Pick<ServiceError, 'code' | 'details'>): status {
  if (code !== status.UNKNOWN) return code;
  const codes = details.matchAll(/rpc error: code = (\w+) desc = /g);
  const inner = codes.map(([, name = '']) => name).find((name) => name !== 'Unknown');
  return CODES_OF_PODS.get(inner ?? '') ?? code;
}

function parseResult(text: string): FunctionResult {
  const [, severity, first, second, message] = RESULT.exec(text) ?? [];
  if (message === undefined) return { message: text.trim(), severity: 'error' };
  const resourceRef = first === undefined ? undefined : parseReference(first);
  const path = resourceRef === undefined ? first : second;
  return {
    message,
    severity: severity as FunctionResult['severity'],
    ...(resourceRef ? { resourceRef } : {}),
    ...(path === undefined ? {} : { field: { path } }),
  };
}

/** `apps/v1/Deployment/ns/name`: the kind is the first part that begins with a capital letter. */
function parseReference(text: string): ResourceRef | undefined {
  const parts = text.split('/');
  const at = parts.findIndex((part) => /^[A-Z]/.test(part));
  if (at < 0 || parts.length < at + 2) return undefined;
  const [kind, ...rest] = parts.slice(at);
  const [name, namespace] = rest.toReversed();
  const apiVersion = parts.slice(0, at).join('/');
  return { ...(apiVersion ? { apiVersion } : {}), kind, name, ...(namespace ? { namespace } : {}) };
}
