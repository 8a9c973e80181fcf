import type {Seeded} from "../seeded.js";

export type Json = null | boolean | number | string | Json[] | {[key: string]: Json};

/** Values that parsers get wrong. */
const ODD: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e308,
  "",
  "0",
  "-1",
  "00",
  "1e3",
  "0x",
  "0x0",
  "NaN",
  " 1",
  "18446744073709551615",
  "18446744073709551616",
  "9".repeat(400),
  "\u0000",
  "\ud800",
  "é".repeat(50),
  "a\r\nb",
  "__proto__",
  "constructor",
  `0x${"ff".repeat(32)}`,
  `0x${"00".repeat(48)}`,
  `0xc0${"00".repeat(95)}`,
  "x".repeat(5000),
  [],
  {},
  [[]],
  {__proto__: null} as unknown as Json,
];
const KEYS = ["__proto__", "constructor", "toString", "length", "", "type", "id", "version", "x".repeat(300)];

const copy = <T extends Json>(value: T): T => structuredClone(value);

function places(root: Json): [container: Json[] | {[key: string]: Json}, key: string][] {
  const found: [Json[] | {[key: string]: Json}, string][] = [];
  const walk = (value: Json): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      found.push([value, key]);
      walk((value as {[key: string]: Json})[key]!);
    }
  };
  walk(root);
  return found;
}

/** The value with one to four changes: a value replaced, removed, moved, repeated, nested or renamed. */
export function mutateJson(original: Json, random: Seeded): Json {
  let root: Json = copy(original);
  for (let changes = random.pick([1, 1, 1, 2, 4]); changes > 0; changes--) {
    const all = places(root);
    if (all.length === 0 || random.chance(0.02)) {
      root = copy(random.pick(ODD));
      continue;
    }
    const [container, key] = random.pick(all);
    const at = container as {[key: string]: Json};
    const value = at[key]!;
    switch (random.int(0, 9)) {
      case 0:
        if (Array.isArray(container)) container.splice(Number(key), 1);
        else delete at[key];
        break;
      case 1: {
        const [from, name] = random.pick(all);
        at[key] = copy((from as {[key: string]: Json})[name] ?? null);
        break;
      }
      case 2:
        if (Array.isArray(value)) value.push(...copy(value).slice(0, 50));
        else at[key] = [copy(value)];
        break;
      case 3:
        if (Array.isArray(container)) container.push(copy(value));
        else at[random.pick(KEYS)] = copy(value);
        break;
      case 4:
        at[key] = nested(random.pick([3, 20, 200]), random.chance(0.5));
        break;
      case 5:
        at[key] = typeof value === "string" ? mutateText(value, random) : `${JSON.stringify(value).slice(0, 100)}`;
        break;
      case 6:
        at[key] = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : random.int(-3, 70_000);
        break;
      case 7:
        at[key] = String(BigInt(random.int(0, 2 ** 31)) * BigInt(random.int(0, 2 ** 31)) * 5n);
        break;
      default:
        at[key] = copy(random.pick(ODD));
    }
  }
  return root;
}

function nested(depth: number, list: boolean): Json {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = list ? [value] : {a: value};
  return value;
}

const CHARACTERS = [
  "0",
  "9",
  "a",
  "-",
  ".",
  '"',
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "\\",
  "\n",
  "&a ",
  "*a",
  "!!",
  "%",
  "é",
];

/** A text with a few characters inserted, removed, repeated or moved. */
export function mutateText(text: string, random: Seeded): string {
  let result = text;
  for (let changes = random.pick([1, 1, 2, 5]); changes > 0; changes--) {
    const at = random.int(0, result.length);
    const length = random.int(1, 12);
    const part = result.slice(at, at + length);
    switch (random.int(0, 4)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length);
        break;
      case 1:
        result = result.slice(0, at) + part.repeat(random.pick([2, 3, 40])) + result.slice(at + length);
        break;
      case 2:
        result = result.slice(0, at) + random.pick(CHARACTERS) + result.slice(at);
        break;
      case 3:
        result = result.slice(0, at) + random.pick(CHARACTERS) + result.slice(at + 1);
        break;
      default:
        result = result.slice(0, at);
    }
  }
  return result;
}

/** Bytes with a few of them flipped, inserted, removed, repeated or overwritten by a number at its limit. */
export function mutateBytes(bytes: Uint8Array, random: Seeded): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = random.pick([1, 1, 2, 4, 16]); changes > 0; changes--) {
    const at = random.int(0, result.length);
    const end = Math.min(result.length, at + random.int(1, 64));
    const [head, part, tail] = [result.subarray(0, at), result.subarray(at, end), result.subarray(end)];
    switch (random.int(0, 5)) {
      case 0:
        if (at < result.length) result[at]! ^= 1 << random.int(0, 7);
        break;
      case 1:
        result = Buffer.concat([head, tail]);
        break;
      case 2:
        result = Buffer.concat([head, part, part, tail]);
        break;
      case 3:
        result = Buffer.concat([
          head,
          Buffer.from(Array.from({length: random.int(1, 16)}, () => random.int(0, 255))),
          part,
          tail,
        ]);
        break;
      case 4:
        if (result.length - at >= 4)
          result.writeUInt32BE(random.pick([0, 1, 0x7fffffff, 0xffffffff, 2 ** 20, 2 ** 20 + 1]), at);
        break;
      default:
        result = result.subarray(0, at);
    }
  }
  return result;
}

/** JSON text of the value, sometimes with damage that only a text can have: a key twice, a comma, a broken escape. */
export function jsonText(value: Json, random: Seeded): string {
  const text = JSON.stringify(value) ?? "null";
  if (random.chance(0.12)) return mutateText(text, random);
  if (random.chance(0.03)) return text.replace(/"(\w+)":/, '"$1":0,"$1":');
  return text;
}
