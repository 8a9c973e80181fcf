/**
 * JSON to SSZ values, strictly. The library's own fromJson takes `BigInt("")`, `"0x10"` and `parseInt("zz", 16)` for
 * numbers and bytes; here every leaf is checked before it becomes a value. Depth and size follow the type, never the
 * input.
 */
import {
  BitArrayType,
  ByteVectorType,
  ContainerType,
  ListBasicType,
  ListCompositeType,
  ProgressiveContainerType,
  type Type,
  UintBigintType,
  VectorCompositeType,
} from "@chainsafe/ssz";
import {parseHexBytes, parseUint64} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {isJsonObject} from "./strict-object.js";

/**
 * The value of `type` that `json` spells. Fields the type does not know are ignored: clients add some.
 * `field` names the place in error messages.
 * @throws CODEC_FIELD · CODEC_UINT64 · CODEC_HEX · CODEC_BITS
 */
export function readSsz<V>(type: Type<V>, json: unknown, field: string): V {
  return read(type as Type<unknown>, json, field) as V;
}

/** An own member of a JSON object; members of a prototype do not count. @throws CODEC_FIELD */
export function member(json: unknown, key: string, field: string): unknown {
  if (!isJsonObject(json)) throw new PleiadesError({code: "CODEC_FIELD", field, reason: "not an object"});
  const value = Object.hasOwn(json, key) ? json[key] : undefined;
  if (value === undefined) throw new PleiadesError({code: "CODEC_FIELD", field: `${field}.${key}`, reason: "missing"});
  return value;
}

function read(type: Type<unknown>, json: unknown, field: string): unknown {
  if (type instanceof UintBigintType) return parseUint64(json, field);
  if (type instanceof ByteVectorType) {
    return parseHexBytes(json, {min: type.lengthBytes, max: type.lengthBytes}, field);
  }
  if (type instanceof ContainerType || type instanceof ProgressiveContainerType) {
    const value: {[key: string]: unknown} = {};
    for (const {fieldName, fieldType, jsonKey} of type.fieldsEntries) {
      value[String(fieldName)] = read(fieldType, member(json, jsonKey, field), `${field}.${jsonKey}`);
    }
    return value;
  }
  if (type instanceof BitArrayType) return readBits(type, json, field);
  if (type instanceof ListBasicType || type instanceof ListCompositeType) {
    return readArray(type.elementType, json, {min: 0, max: type.limit}, field);
  }
  if (type instanceof VectorCompositeType) {
    return readArray(type.elementType, json, {min: type.length, max: type.length}, field);
  }
  throw new Error(`no JSON reader for ${type.typeName}`);
}

function readBits(type: BitArrayType, json: unknown, field: string): unknown {
  const bytes = parseHexBytes(json, {min: type.minSize, max: type.maxSize}, field);
  try {
    return type.deserialize(bytes);
  } catch (cause) {
    throw new PleiadesError({code: "CODEC_BITS", field}, {cause});
  }
}

function readArray(element: Type<unknown>, json: unknown, size: {min: number; max: number}, field: string): unknown[] {
  if (!Array.isArray(json) || json.length < size.min || json.length > size.max) {
    throw new PleiadesError({code: "CODEC_FIELD", field, reason: `not an array of ${size.min} to ${size.max}`});
  }
  return Array.from(json, (item, i) => read(element, item, `${field}[${i}]`));
}
