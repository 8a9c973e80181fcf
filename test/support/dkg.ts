import {createHash, createPrivateKey, createPublicKey, sign} from "node:crypto";
import type {Identity} from "../../src/adapters/libp2p/identity.js";
import {
  type PeerIdText,
  parseAddressHex,
  parseBytes4Hex,
  parseGwei,
  parseOperatorId,
  parsePeerIdText,
  parseRootHex,
  rootHex,
} from "../../src/core/bytes.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import {type Ceremony, ceremonyOf, participant} from "../../src/core/dkg/ceremony.js";
import {
  ceremonyId,
  consentMessage,
  type Definition,
  participantsOf,
  type SignedDefinition,
} from "../../src/core/dkg/definition.js";
import {pluginMessage, type VerifyNodeSignature, verifyNodeSignature} from "../../src/core/dkg/node-signature.js";

/** A node's key as a test has it. */
export interface TestNode {
  readonly peerId: PeerIdText;
  sign(message: Uint8Array): Uint8Array;
}

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (; value > 0n; value /= 58n) text = BASE58[Number(value % 58n)]! + text;
  return "1".repeat(bytes.findIndex((byte) => byte !== 0)) + text;
}

/** A real Ed25519 node key that follows from the seed. */
export function testNode(seed: number): TestNode {
  const secret = createHash("sha256").update(`test node ${seed}`).digest();
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  const key = createPrivateKey({key: Buffer.concat([prefix, secret]), format: "der", type: "pkcs8"});
  const raw = createPublicKey(key).export({format: "der", type: "spki"}).subarray(12);
  const peerId = parsePeerIdText(base58(Buffer.concat([Buffer.from("002408011220", "hex"), raw])));
  return {peerId, sign: (message) => sign(null, pluginMessage("dkg", message), key)};
}

/** A libp2p identity as a test's node. */
export function nodeSigner(identity: Identity): TestNode {
  return {peerId: identity.peerId, sign: (message) => identity.sign(pluginMessage("dkg", message))};
}

/** A hash in place of a signature: quick, and nobody in a simulation forges it but on purpose. */
export function cheapNode(seed: number): TestNode {
  const peerId = parsePeerIdText(
    `12D3KooW${Array.from({length: 44}, (_, i) => BASE58[(seed * 31 + i * i * 7) % 58]).join("")}`,
  );
  return {peerId, sign: (message) => cheapSignature(peerId, message)};
}
const cheapSignature = (peer: PeerIdText, message: Uint8Array): Uint8Array =>
  createHash("sha512").update(peer).update(message).digest();
export const verifyCheaply: VerifyNodeSignature = (peer, message, signature) =>
  Buffer.compare(cheapSignature(peer, message), signature) === 0;

export interface TestCeremony {
  readonly nodes: readonly TestNode[];
  readonly signed: SignedDefinition;
  readonly ceremony: Ceremony;
}

/** A fresh ceremony of n operators, all of whom have signed. */
export function testDefinition(
  nodes: readonly Pick<TestNode, "peerId">[],
  {validators = 1, nonce = 1, ...rest}: Partial<Omit<Definition, "nonce">> & {nonce?: number} = {},
): Definition {
  const n = nodes.length;
  const t = rest.threshold ?? thresholdOf(n);
  return {
    version: 1,
    kind: "fresh",
    nonce: rootHex(createHash("sha256").update(`nonce ${nonce}`).digest()),
    threshold: t,
    unsafeThreshold: false,
    operators: nodes.map(({peerId}, i) => ({
      id: parseOperatorId(i + 1),
      peerId,
      addresses: [`/ip4/127.0.0.1/tcp/${9001 + i}`],
    })),
    validators,
    network: {
      name: "hoodi",
      genesisValidatorsRoot: parseRootHex(`0x${"21".repeat(32)}`),
      genesisForkVersion: parseBytes4Hex("0x10000910"),
    },
    withdrawal: {kind: "address", address: parseAddressHex(`0x${"ab".repeat(20)}`)},
    feeRecipient: parseAddressHex(`0x${"cd".repeat(20)}`),
    depositAmounts: [parseGwei("32000000000")],
    require: n,
    deadline: 1_800_000_000,
    coordinators: [testNode(99).peerId],
    previous: null,
    ...rest,
  };
}

/** Signed by every participant whose key is given. */
export function consented(definition: Definition, nodes: readonly TestNode[]): SignedDefinition {
  const message = consentMessage(ceremonyId(definition));
  const signatures = participantsOf(definition).flatMap(({number, peerId}): [number, string][] => {
    const node = nodes.find((one) => one.peerId === peerId);
    return node === undefined ? [] : [[number, `0x${Buffer.from(node.sign(message)).toString("hex")}`]];
  });
  return {definition, signatures: new Map(signatures)};
}

export function testCeremony(
  n: number,
  options: Partial<Omit<Definition, "nonce">> & {nonce?: number; cheap?: boolean} = {},
): TestCeremony {
  const {cheap = false, ...rest} = options;
  const nodes = Array.from({length: n}, (_, i) => (cheap ? cheapNode(i + 1) : testNode(i + 1)));
  const signed = consented(testDefinition(nodes, rest), nodes);
  return {nodes, signed, ceremony: ceremonyOf(signed, cheap ? verifyCheaply : verifyNodeSignature)};
}

/** 32 bytes that follow from the number. */
export const testSeed = (seed: number): Uint8Array =>
  new Uint8Array(createHash("sha256").update(`ceremony seed ${seed}`).digest());

/** The node of a participant. */
export const nodeOf = ({nodes, ceremony}: TestCeremony, number: number): TestNode =>
  nodes.find(({peerId}) => peerId === participant(ceremony, number).peerId)!;
