/** The few kinds of DER values a certificate is made of. @see ITU-T X.690 */

const encode = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const {length} = content;
  const size: number[] = [];
  for (let rest = length; rest > 0; rest >>= 8) size.unshift(rest & 0xff);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | size.length, ...size];
  return Buffer.concat([Buffer.from(head), content]);
};

export const sequence = (...parts: readonly Buffer[]): Buffer => encode(0x30, ...parts);
export const set = (...parts: readonly Buffer[]): Buffer => encode(0x31, ...parts);
export const octets = (value: Buffer): Buffer => encode(0x04, value);
export const utf8 = (text: string): Buffer => encode(0x0c, Buffer.from(text));
export const flag = (value: boolean): Buffer => encode(0x01, Buffer.from([value ? 0xff : 0]));
/** Big-endian, the first bit clear. */
export const integer = (value: Buffer): Buffer => encode(0x02, value);
export const bits = (value: Buffer, unused = 0): Buffer => encode(0x03, Buffer.from([unused]), value);
export const context = (number: number, value: Buffer, {constructed = false} = {}): Buffer =>
  encode((constructed ? 0xa0 : 0x80) | number, value);
/** UTCTime: years 1950 to 2049. */
export const time = (date: Date): Buffer =>
  encode(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/[-T:]/g, "")}Z`));

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const base128 = (value: number): number[] => {
    const digits = [value & 0x7f];
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  };
  return encode(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}
