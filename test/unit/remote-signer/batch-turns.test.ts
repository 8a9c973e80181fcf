import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {type PubkeyHex, parseTraceId, pubkeyHex} from "../../../src/core/bytes.js";
import {SIGN_TYPES, type SignType} from "../../../src/core/duty/sign-request.js";
import {Admission} from "../../../src/remote-signer/admission.js";
import {Calls} from "../../../src/remote-signer/call.js";
import type {Deadlines} from "../../../src/remote-signer/deadlines.js";
import {Signing} from "../../../src/remote-signer/signing.js";
import {attestation, block, testNetwork} from "../../support/keeper.js";

describe("a batch of many keys", () => {
  it("lets a block that comes meanwhile reach the committee before its last keys", async () => {
    const reached: SignType[] = [];
    const clock = new ManualClock();
    const signing = new Signing(
      {
        sign: async (_key, {type}) => {
          reached.push(type);
          return {};
        },
        admission: new Admission({maxConcurrent: 1000, maxQueued: 1000}),
        calls: new Calls({clock}),
        readBlock: (body) => body,
        clock,
        logger: new MemoryLogger(),
        observer: () => {},
      },
      {
        network: testNetwork(),
        deadlines: Object.fromEntries(SIGN_TYPES.map((type) => [type, 1000])) as Deadlines,
        maxBatchKeys: 1000,
      },
    );
    const client = {arrivedAt: clock.monotonic(), trace: parseTraceId("ab".repeat(16))!, onGone: () => () => {}};
    const key = (i: number): PubkeyHex => pubkeyHex(new Uint8Array(48).fill(i + 1));
    const identifiers = Array.from({length: 200}, (_, i) => key(i));
    const batch = signing.signBatch({identifiers, signing_request: attestation(98, 99)}, client);
    await new Promise((resolve) => setImmediate(resolve));
    await signing.signOne(key(250), block(3168), client);
    expect((await batch).map(({identifier}) => identifier)).to.deep.equal(identifiers);
    expect(reached).to.have.length(201);
    expect(reached.indexOf("BLOCK_V2")).to.be.below(100);
  });
});
