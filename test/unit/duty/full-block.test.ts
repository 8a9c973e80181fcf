import type {Type} from "@chainsafe/ssz";
import {expect} from "chai";
import fc from "fast-check";
import {toHex} from "../../../src/core/bytes.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {parseSignRequest, toWire} from "../../../src/core/duty/request-codec.js";
import {blockBodiesOf} from "../../../src/remote-signer/block-bodies.js";
import {
  createFullBlockReader,
  type FullBlockReader,
  loadFullBlockReader,
} from "../../../src/remote-signer/full-block.js";
import {bytes, expectCode, zeroRequest} from "./fixtures.js";

/** @lodestar packages have one preset per process; this is the one of this process. */
const PRESET = PRESETS[process.env.LODESTAR_PRESET === "minimal" ? "minimal" : "mainnet"];
const OTHER = PRESETS[PRESET.name === "minimal" ? "mainnet" : "minimal"];

const bodies = blockBodiesOf(PRESET);
// biome-ignore lint/suspicious/noExplicitAny: tests reach into the JSON to break it.
const bodyJson = (fork: "phase0" | "altair"): any => bodies[fork].toJson(bodies[fork].defaultValue() as never);
const block = (body: unknown) => ({
  slot: "7",
  proposer_index: (2n ** 64n - 1n).toString(),
  parent_root: `0x${"01".repeat(32)}`,
  state_root: `0x${"02".repeat(32)}`,
  body,
});
const {fork_info} = toWire(zeroRequest("BLOCK_V2"), PRESET);
const request = (version: string, body: unknown) => ({
  type: "BLOCK_V2",
  fork_info,
  beacon_block: {version, block: block(body)},
});

describe("createFullBlockReader", () => {
  const read = createFullBlockReader(PRESET);

  it("turns a full block into its header and leaves the rest alone", () => {
    for (const fork of ["phase0", "altair"] as const) {
      const json = {...request(fork.toUpperCase(), bodyJson(fork)), signingRoot: "0x00", extra: 1};
      const type: Type<unknown> = bodies[fork];
      const {body, ...header} = block(null);
      expect(body).to.equal(null);
      expect(read(json)).to.deep.equal({
        ...json,
        beacon_block: {
          version: fork.toUpperCase(),
          block_header: {...header, body_root: toHex(type.hashTreeRoot(type.defaultValue()))},
        },
      });
      expect(parseSignRequest(read(request(fork, bodyJson(fork))), PRESET).request.version).to.equal(fork);
    }
  });

  it("takes the deprecated BLOCK, whose fork shows in its body", () => {
    for (const fork of ["phase0", "altair"] as const) {
      const deprecated = {type: "BLOCK", fork_info, block: block(bodyJson(fork))};
      const {request: parsed} = parseSignRequest(read(deprecated), PRESET);
      const {request: expected} = parseSignRequest(read(request(fork, bodyJson(fork))), PRESET);
      expect(parsed).to.deep.equal(expected);
    }
  });

  it("reads numbers up to 2^64-1 inside a body, as a proposer may write them", () => {
    const json = bodyJson("phase0");
    json.eth1_data.deposit_count = (2n ** 64n - 1n).toString();
    json.voluntary_exits = [
      {message: {epoch: (2n ** 63n).toString(), validator_index: "0"}, signature: toHex(bytes(96))},
    ];
    parseSignRequest(read(request("PHASE0", json)), PRESET);
  });

  it("hands back everything that is not a full block", () => {
    const headers = toWire(zeroRequest("BLOCK_V2"), PRESET);
    const both = {...headers, beacon_block: {...(headers.beacon_block as object), block: "ignored"}};
    for (const json of [
      headers,
      both,
      toWire(zeroRequest("ATTESTATION"), PRESET),
      {},
      null,
      7,
      "x",
      [],
      {type: "BLOCK_V2"},
    ]) {
      expect(read(json)).to.equal(json);
    }
  });

  it("refuses malformed blocks", () => {
    const broken = (change: (body: ReturnType<typeof bodyJson>) => void, fork: "phase0" | "altair" = "altair") => {
      const body = bodyJson(fork);
      change(body);
      expectCode("CODEC_BLOCK", () => read(request(fork, body)));
    };
    broken((body) => delete body.graffiti);
    broken((body) => delete body.sync_aggregate);
    broken((body) => {
      body.randao_reveal = "0xzz";
    });
    broken((body) => {
      body.eth1_data.deposit_count = "";
    });
    broken((body) => {
      body.attestations = {};
    });
    broken((body) => {
      body.proposer_slashings = new Array(17).fill({});
    });
    for (const body of [null, undefined, 7, "x", []]) expectCode("CODEC_BLOCK", () => read(request("ALTAIR", body)));
    for (const block of [null, undefined, 7, []]) expectCode("CODEC_BLOCK", () => read({type: "BLOCK", block}));
    expectCode("CODEC_BLOCK", () =>
      read({type: "BLOCK_V2", beacon_block: {version: "ALTAIR", block: {body: bodyJson("altair")}}}),
    );
    expectCode("CODEC_VERSION", () => read(request("FRONTIER", {})));
  });

  it("asks for the header of a fork it does not know", () => {
    expect(expectCode("CODEC_BLOCK", () => read(request("DENEB", {}))).message).to.include("block_header");
  });

  it("answers hostile JSON with a codec error and nothing else", () => {
    const json = fc.oneof(fc.jsonValue(), fc.anything());
    fc.assert(
      fc.property(json, json, fc.constantFrom("PHASE0", "altair", "x"), (block, body, version) => {
        for (const raw of [
          {type: "BLOCK", block},
          {type: "BLOCK", block: {body}},
          {type: "BLOCK_V2", beacon_block: {version, block}},
          {type: "BLOCK_V2", beacon_block: {version, block: {body}}},
        ]) {
          try {
            read(raw);
          } catch (error) {
            expect(error)
              .to.have.property("code")
              .that.match(/^CODEC_/);
          }
        }
      }),
      {numRuns: 100},
    );
  });
});

describe("loadFullBlockReader", () => {
  let read: FullBlockReader;
  let ssz: typeof import("@lodestar/types").ssz;

  before(async () => {
    read = await loadFullBlockReader(PRESET);
    ({ssz} = await import("@lodestar/types"));
  });

  for (const fork of ["phase0", "altair", "bellatrix", "capella", "deneb", "electra", "fulu", "gloas"] as const) {
    it(`gives the body root that @lodestar/types computes of a ${fork} block`, () => {
      const type = ssz[fork].BeaconBlockBody as unknown as Type<{graffiti: Uint8Array}>;
      const value = {...type.defaultValue(), graffiti: bytes(32, 7)};
      const {request: parsed} = parseSignRequest(read(request(fork, type.toJson(value))), PRESET);
      expect(parsed.message).to.have.property("bodyRoot").deep.equal(type.hashTreeRoot(value));
    });
  }

  it("refuses a later fork's block that is not canonical JSON, which the library would misread", () => {
    const type = ssz.capella.BeaconBlockBody;
    for (const [key, value] of [
      ["graffiti", `0x${"zz".repeat(32)}`],
      ["randao_reveal", `0x${"0".repeat(191)}x`],
      ["bls_to_execution_changes", {}],
    ]) {
      const json = {...(type.toJson(type.defaultValue()) as object), [key as string]: value};
      expectCode("CODEC_BLOCK", () => read(request("CAPELLA", json)));
    }
    const json = type.toJson(type.defaultValue()) as {execution_payload: {[key: string]: unknown}};
    for (const gas_limit of ["1e3", "007", "", "-1", (2n ** 53n).toString()]) {
      const body = {...json, execution_payload: {...json.execution_payload, gas_limit}};
      expectCode("CODEC_BLOCK", () => read(request("CAPELLA", body)));
    }
  });

  it("refuses another preset than the process's", async () => {
    const error = await loadFullBlockReader(OTHER).then(
      () => expect.fail("loaded"),
      (error: unknown) => error,
    );
    expect(error).to.have.property("code", "NETWORK_PRESET");
  });
});
