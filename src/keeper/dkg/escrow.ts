import {randomBytes} from "node:crypto";
import {blstDkgGroup as group} from "../../adapters/bls/blst.js";
import {type PubkeyHex, parseRootHex} from "../../core/bytes.js";
import type {EscrowHolder} from "../../core/dkg/definition.js";
import {currentEpoch, type Network} from "../../core/duty/network.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {escrowedExit, escrowedSigningRoot} from "../../core/escrow/exit.js";
import {type SealedExit, sealExit} from "../../core/escrow/sealed.js";
import {decideTenure} from "../../core/handover/tenure.js";
import {encodeJson, NAMES} from "./records.js";
import type {CeremonyTable, CeremonyWriter} from "./table.js";

/** The holder that this operator consented to for a key. @throws SLASHING_STORE_CORRUPT */
export function escrowOf(table: Pick<CeremonyTable, "get">, key: PubkeyHex): EscrowHolder | null {
  const bytes = table.get(NAMES.escrow(key));
  if (bytes === null) return null;
  const json: unknown = JSON.parse(bytes.toString("utf8"));
  if (!isJsonObject(json) || typeof json.name !== "string")
    throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key});
  return {publicKey: parseRootHex(json.publicKey), name: json.name};
}

/**
 * One holder for each key, for ever: whoever was given an exit has it, so a second one would only be one more who can. A
 * definition without a holder takes nothing away and adds nothing.
 * @throws KEEPER_OTHER_ESCROW
 */
export function checkEscrow(table: Pick<CeremonyTable, "get">, key: PubkeyHex, escrow: EscrowHolder | null): void {
  const held = escrow === null ? null : escrowOf(table, key);
  if (held === null || held.publicKey === escrow?.publicKey) return;
  throw new PleiadesError({code: "KEEPER_OTHER_ESCROW", key, held: held.publicKey, given: escrow?.publicKey});
}

/** Inside a transaction. @throws KEEPER_OTHER_ESCROW */
export function recordEscrow(
  table: Pick<CeremonyTable, "get">,
  write: Pick<CeremonyWriter, "put">,
  key: PubkeyHex,
  escrow: EscrowHolder | null,
): void {
  checkEscrow(table, key, escrow);
  if (escrow !== null && escrowOf(table, key) === null) write.put(NAMES.escrow(key), encodeJson(escrow));
}

/**
 * Signs the one exit that goes into escrow with this operator's share, for the holder on record and nobody else to read.
 * No permit is asked: the record is the consent. Exits are not slashable, so there is nothing else to record.
 * @throws KEEPER_NO_ESCROW · KEEPER_UNKNOWN_KEY · KEEPER_ESCROW_CHAIN
 */
export function sealedExitOf(
  table: Pick<CeremonyTable, "get" | "sharesOf" | "tenureOf">,
  network: Network,
  {key, validatorIndex, nowMs}: {key: PubkeyHex; validatorIndex: bigint; nowMs: number},
): SealedExit {
  const holder = escrowOf(table, key);
  if (holder === null) throw new PleiadesError({code: "KEEPER_NO_ESCROW", key});
  // Of two generations the one whose time it is: an exit belongs to no epoch.
  const now = currentEpoch(network, nowMs);
  const share = table.sharesOf(key).find((one) => {
    return (
      decideTenure(table.tenureOf({key, committeeHash: one.committeeHash}), {epoch: null, now}).answer === "approve"
    );
  });
  if (share === undefined) throw new PleiadesError({code: "KEEPER_UNKNOWN_KEY", key});
  const chain = network.genesisValidatorsRoot;
  if (chain === null) throw new PleiadesError({code: "KEEPER_ESCROW_CHAIN"});
  const exit = escrowedExit(network, validatorIndex);
  const {index: shareIndex, committeeHash, secret} = share;
  // With the plain share: the holder then needs nothing but its share public key to check it.
  const scalar = BigInt(`0x${Buffer.from(secret.reveal()).toString("hex")}`);
  const partial = group.sign(scalar, escrowedSigningRoot(exit, chain));
  const context = {groupPublicKey: key, committeeHash, shareIndex, exit, holder: holder.publicKey};
  return sealExit(context, {partial, secret: randomBytes(32), chain});
}
