import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// Messages of Porch's function runner: proto3, package `evaluator`, service `FunctionEvaluator`; and of grpc.health.v1.

export interface EvaluateFunctionRequest {
  /** A ResourceList in YAML. */
  readonly resourceList: Uint8Array;
  readonly image: string;
}

export interface EvaluateFunctionResponse {
  /** A ResourceList in YAML, results included. */
  readonly resourceList: Uint8Array;
  /** What the function wrote to standard error. */
  readonly log: Uint8Array;
}

export const EVALUATOR_SERVICE = 'evaluator.FunctionEvaluator';
export const EVALUATE_FUNCTION = `/${EVALUATOR_SERVICE}/EvaluateFunction`;
export const HEALTH_CHECK = '/grpc.health.v1.Health/Check';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING` */
export const SERVING = 1;

const NOTHING = new Uint8Array();

export function encodeRequest({ resourceList, image }: EvaluateFunctionRequest): Buffer {
  const writer = new BinaryWriter();
  if (resourceList.length > 0) writer.tag(1, WireType.LengthDelimited).bytes(resourceList);
  if (image !== '') writer.tag(2, WireType.LengthDelimited).string(image);
  return Buffer.from(writer.finish());
}

export function decodeRequest(bytes: Uint8Array): EvaluateFunctionRequest {
  const fields = lengthDelimited(bytes);
  return { resourceList: fields.get(1) ?? NOTHING, image: new TextDecoder().decode(fields.get(2) ?? NOTHING) };
}

export function encodeResponse({ resourceList, log }: EvaluateFunctionResponse): Buffer {
  const writer = new BinaryWriter();
  if (resourceList.length > 0) writer.tag(1, WireType.LengthDelimited).bytes(resourceList);
  if (log.length > 0) writer.tag(2, WireType.LengthDelimited).bytes(log);
  return Buffer.from(writer.finish());
}

export function decodeResponse(bytes: Uint8Array): EvaluateFunctionResponse {
  const fields = lengthDelimited(bytes);
  return { resourceList: fields.get(1) ?? NOTHING, log: fields.get(2) ?? NOTHING };
}

/** @returns the serving status: 0 unknown, 1 serving, 2 not serving */
export function decodeHealth(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let status = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) status = reader.int32();
    else reader.skip(type, field);
  }
  return status;
}

/** Fields that a newer peer may add are passed over; of a field that comes twice the last counts. */
function lengthDelimited(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, Uint8Array>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields.set(field, reader.bytes());
    else reader.skip(type, field);
  }
  return fields;
}
