import {blstGroup} from "../../src/adapters/bls/blst.js";
import {fromHex} from "../../src/core/bytes.js";
import {BLST, TRANSPARENT, transparentSignature} from "../simulation/transparent-group.js";
import {
  INFINITY_PUBLIC_KEY,
  INFINITY_SIGNATURE,
  offSubgroupPublicKey,
  offSubgroupSignature,
  smallOrderSignature,
  withSmallOrder,
} from "../support/odd-points.js";
import {blsGroupContract} from "./bls-group.js";

describe("the group over blst", () => {
  blsGroupContract({
    bls: blstGroup,
    publicKey: (secret) => fromHex(BLST.publicKey(secret)),
    sign: BLST.sign,
    odd: {
      signatures: [INFINITY_SIGNATURE, offSubgroupSignature(1), smallOrderSignature()],
      publicKeys: [INFINITY_PUBLIC_KEY, offSubgroupPublicKey(1)],
    },
    withSmallOrder,
  });
});

describe("the transparent group of simulations", () => {
  const torsion = (bytes: Uint8Array, position: number): Uint8Array => bytes.with(1, position);
  blsGroupContract({
    bls: TRANSPARENT.bls,
    publicKey: (secret) => fromHex(TRANSPARENT.publicKey(secret)),
    sign: TRANSPARENT.sign,
    odd: {
      signatures: [INFINITY_SIGNATURE, transparentSignature(5n, 3), transparentSignature(0n, 1)],
      publicKeys: [INFINITY_PUBLIC_KEY, torsion(fromHex(TRANSPARENT.publicKey(new Uint8Array(32).fill(1))), 12)],
    },
    withSmallOrder: (signature) => torsion(signature, 7),
  });
});
