import {
  type PeerIdText,
  type PubkeyHex,
  parsePeerIdText,
  parsePubkeyHex,
  parseRootHex,
  parseUint64,
  type RootHex,
} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {CeremonyVault} from "../../ports/ceremony-vault.js";

/** What an operator asks of the vault, as it crosses the channel. */
export type VaultCall =
  | {readonly method: "journalKey"}
  | {readonly method: "begin"; readonly definition: string; readonly peerId: PeerIdText}
  | {
      readonly method: "deal";
      readonly ceremony: RootHex;
      readonly announces: readonly string[];
      readonly chunk: number;
    }
  | {
      readonly method: "open";
      readonly ceremony: RootHex;
      readonly dealing: string;
      readonly chunk: number;
      readonly bytes: Uint8Array;
    }
  | {
      readonly method: "result";
      readonly ceremony: RootHex;
      readonly qualified: readonly {readonly dealer: number; readonly dealing: RootHex}[];
      readonly transcript: RootHex;
      readonly chunk: number;
    }
  | {readonly method: "activate"; readonly ceremony: RootHex; readonly committeeFile: string}
  | {readonly method: "retire"; readonly ceremony: RootHex; readonly transcript: RootHex}
  | {readonly method: "takeOver"; readonly ceremony: RootHex; readonly retirements: readonly string[]}
  | {readonly method: "abort"; readonly ceremony: RootHex}
  | {readonly method: "sealExit"; readonly key: PubkeyHex; readonly validatorIndex: bigint}
  | {readonly method: "status"};

/** As the definition's own bound. */
const MAX_DEFINITION = 2 ** 21;
/** 1,000 validators of 13 operators are 1.5 MB. */
const MAX_COMMITTEE_FILE = 2 ** 22;
/** As the bound of items. */
const MAX_ITEM = 2 ** 20;
/** A chunk of 50 validators and 13 operators is 48 KB. */
const MAX_CHUNK_BYTES = 2 ** 17;
/** Participants of a reshare from 13 operators to 13 others. */
const MAX_ANNOUNCES = 26;
const MAX_DEALERS = 13;
const MAX_CHUNK = 1000;

const bad = (field: string): PleiadesError => new PleiadesError({code: "KEEPER_BAD_MESSAGE", reason: `vault ${field}`});

/** Reads a call from another process and believes nothing. @throws KEEPER_BAD_MESSAGE · CODEC_* */
export function parseVaultCall(raw: unknown): VaultCall {
  const call = Object(raw) as {readonly [key: string]: unknown};
  const ceremony = (): RootHex => parseRootHex(call.ceremony, "ceremony");
  const chunk = (): number => whole(call.chunk, "chunk", 0, MAX_CHUNK);
  switch (call.method) {
    case "journalKey":
      return {method: "journalKey"};
    case "begin": {
      const definition = text(call.definition, "definition", MAX_DEFINITION);
      return {method: "begin", definition, peerId: parsePeerIdText(call.peerId, "peerId")};
    }
    case "deal": {
      const announces = list(call.announces, "announces", MAX_ANNOUNCES).map((one) => text(one, "announce", MAX_ITEM));
      return {method: "deal", ceremony: ceremony(), announces, chunk: chunk()};
    }
    case "open": {
      const {bytes} = call;
      if (!(bytes instanceof Uint8Array) || bytes.length > MAX_CHUNK_BYTES) throw bad("bytes");
      const dealing = text(call.dealing, "dealing", MAX_ITEM);
      // A copy of exactly these bytes, as a plain array of them.
      return {method: "open", ceremony: ceremony(), dealing, chunk: chunk(), bytes: Uint8Array.from(bytes)};
    }
    case "result": {
      const qualified = list(call.qualified, "qualified", MAX_DEALERS).map((one) => {
        const {dealer, dealing} = Object(one) as {readonly [key: string]: unknown};
        return {dealer: whole(dealer, "dealer", 1, MAX_DEALERS), dealing: parseRootHex(dealing, "dealing")};
      });
      const transcript = parseRootHex(call.transcript, "transcript");
      return {method: "result", ceremony: ceremony(), qualified, transcript, chunk: chunk()};
    }
    case "activate": {
      const committeeFile = text(call.committeeFile, "committeeFile", MAX_COMMITTEE_FILE);
      return {method: "activate", ceremony: ceremony(), committeeFile};
    }
    case "retire":
      return {method: "retire", ceremony: ceremony(), transcript: parseRootHex(call.transcript, "transcript")};
    case "takeOver": {
      const retirements = list(call.retirements, "retirements", MAX_DEALERS).map((one) =>
        text(one, "retirement", MAX_ITEM),
      );
      return {method: "takeOver", ceremony: ceremony(), retirements};
    }
    case "abort":
      return {method: "abort", ceremony: ceremony()};
    case "sealExit": {
      const {validatorIndex} = call;
      if (typeof validatorIndex !== "bigint") throw bad("validatorIndex");
      const index = parseUint64(String(validatorIndex), "validatorIndex");
      return {method: "sealExit", key: parsePubkeyHex(call.key), validatorIndex: index};
    }
    case "status":
      return {method: "status"};
    default:
      throw bad("method");
  }
}

export function callVault(vault: CeremonyVault, call: VaultCall): Promise<unknown> {
  switch (call.method) {
    case "journalKey":
      return vault.journalKey();
    case "begin":
      return vault.begin(call.definition, call.peerId);
    case "deal":
      return vault.deal(call.ceremony, call);
    case "open":
      return vault.open(call.ceremony, call);
    case "result":
      return vault.result(call.ceremony, call);
    case "activate":
      return vault.activate(call.ceremony, call.committeeFile);
    case "retire":
      return vault.retire(call.ceremony, call.transcript);
    case "takeOver":
      return vault.takeOver(call.ceremony, call.retirements);
    case "abort":
      return vault.abort(call.ceremony);
    case "sealExit":
      return vault.sealExit(call.key, call.validatorIndex);
    case "status":
      return vault.status();
  }
}

/** A vault at the other end of a channel. */
export function vaultOver(ask: (call: VaultCall) => Promise<unknown>): CeremonyVault {
  const send = <R>(call: VaultCall): Promise<R> => ask(call) as Promise<R>;
  return {
    journalKey: () => send({method: "journalKey"}),
    begin: (definition, peerId) => send({method: "begin", definition, peerId}),
    deal: (ceremony, {announces, chunk}) => send({method: "deal", ceremony, announces, chunk}),
    open: (ceremony, {dealing, chunk, bytes}) => send({method: "open", ceremony, dealing, chunk, bytes}),
    result: (ceremony, {qualified, transcript, chunk}) =>
      send({method: "result", ceremony, qualified, transcript, chunk}),
    activate: (ceremony, committeeFile) => send({method: "activate", ceremony, committeeFile}),
    retire: (ceremony, transcript) => send({method: "retire", ceremony, transcript}),
    takeOver: (ceremony, retirements) => send({method: "takeOver", ceremony, retirements}),
    abort: (ceremony) => send({method: "abort", ceremony}),
    sealExit: (key, validatorIndex) => send({method: "sealExit", key, validatorIndex}),
    status: () => send({method: "status"}),
  };
}

function text(raw: unknown, field: string, max: number): string {
  if (typeof raw !== "string" || raw.length > max) throw bad(field);
  return raw;
}

function list(raw: unknown, field: string, max: number): readonly unknown[] {
  if (!Array.isArray(raw) || raw.length > max) throw bad(field);
  return Array.from(raw);
}

function whole(raw: unknown, field: string, min: number, max: number): number {
  if (typeof raw !== "number" || !Number.isSafeInteger(raw) || raw < min || raw > max) throw bad(field);
  return raw;
}
