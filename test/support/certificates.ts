import {createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign} from "node:crypto";
import {chmodSync, writeFileSync} from "node:fs";
import {isIP} from "node:net";
import {join} from "node:path";
import {bits, context, flag, integer, octets, oid, sequence, set, time, utf8} from "./der.js";

/** A certificate and its key, in PEM. */
export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly name: string;
  /** DNS names and IPv4 addresses; none unless given. */
  readonly names?: readonly string[];
  /** Default both. */
  readonly usage?: readonly ("server" | "client")[];
  /** Days from now; default from one day ago to thirty days ahead. */
  readonly fromDays?: number;
  readonly toDays?: number;
}

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
} as const;
const DAY_MS = 86_400_000;

/**
 * A certificate authority that lives as long as the test. node:crypto reads certificates but makes none; these few
 * fields are written out here, and OpenSSL, which checks them in every test, is the judge of that.
 * @see RFC 5280 section 4.1
 */
export class TestAuthority {
  readonly cert: string;
  readonly #name: string;
  readonly #key: KeyObject;

  constructor(name = "test authority", {fromDays = -1, toDays = 30} = {}) {
    const {publicKey, privateKey} = newKeys();
    this.#name = name;
    this.#key = privateKey;
    this.cert = this.#certify(name, publicKey, {fromDays, toDays}, [
      extension(OID.basicConstraints, sequence(flag(true)), {critical: true}),
      // keyCertSign and cRLSign.
      extension(OID.keyUsage, bits(Buffer.from([0b0000_0110]), 1), {critical: true}),
    ]);
  }

  issue({
    name,
    names = [],
    usage = ["server", "client"],
    fromDays = -1,
    toDays = 30,
  }: CertificateOptions): MadeCertificate {
    const {publicKey, privateKey} = newKeys();
    const alternatives = names.map((one) =>
      isIP(one) === 4 ? context(7, Buffer.from(one.split(".").map(Number))) : context(2, Buffer.from(one)),
    );
    const cert = this.#certify(name, publicKey, {fromDays, toDays}, [
      extension(OID.basicConstraints, sequence(), {critical: true}),
      extension(OID.extendedKeyUsage, sequence(...usage.map((one) => oid(OID[one])))),
      ...(alternatives.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...alternatives))]),
    ]);
    return {cert, key: pemOf(privateKey)};
  }

  #certify(
    name: string,
    publicKey: KeyObject,
    {fromDays, toDays}: {fromDays: number; toDays: number},
    extensions: readonly Buffer[],
  ): string {
    const algorithm = sequence(oid(OID.ecdsaWithSha256));
    const days = (count: number) => time(new Date(Date.now() + count * DAY_MS));
    const toBeSigned = sequence(
      context(0, integer(Buffer.from([2])), {constructed: true}),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      algorithm,
      distinguished(this.#name),
      sequence(days(fromDays), days(toDays)),
      distinguished(name),
      publicKey.export({type: "spki", format: "der"}),
      context(3, sequence(...extensions), {constructed: true}),
    );
    const certificate = sequence(toBeSigned, algorithm, bits(sign("sha256", toBeSigned, this.#key)));
    const lines = certificate.toString("base64").match(/.{1,64}/g)!;
    return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  }
}

/** The key in PEM, encrypted. */
export const encryptedKey = (key: string, passphrase: string): string =>
  createPrivateKey(key).export({type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase}).toString();

/** Writes files into the folder with mode 0600; returns their paths. */
export function writePem(dir: string, files: {readonly [name: string]: string}): {[name: string]: string} {
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => {
      const path = join(dir, name);
      writeFileSync(path, text, {mode: 0o600});
      // The mode of the call counts for new files only.
      chmodSync(path, 0o600);
      return [name, path];
    }),
  );
}

const newKeys = () => generateKeyPairSync("ec", {namedCurve: "P-256"});
const pemOf = (key: KeyObject): string => key.export({type: "pkcs8", format: "pem"}).toString();
const distinguished = (name: string): Buffer => sequence(set(sequence(oid(OID.commonName), utf8(name))));
const extension = (id: string, value: Buffer, {critical = false} = {}): Buffer =>
  sequence(oid(id), ...(critical ? [flag(true)] : []), octets(value));
