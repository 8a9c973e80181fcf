import {expect} from "chai";
import {Registry} from "prom-client";
import {signerNow} from "../../../devnet/src/committee.js";
import {parsePrometheus} from "../../../devnet/src/prometheus.js";
import {parseOperatorId, parsePeerIdText, parsePubkeyHex} from "../../../src/core/bytes.js";
import {MetricsRecorder} from "../../../src/plugin/metrics/recorder.js";

const key = parsePubkeyHex(`0x${"ab".repeat(48)}`);
const peers = [
  "12D3KooWRj5j8bLnpddUHJisqLhiei74DNcdSB6fNfW2pquPmC6R",
  "12D3KooWGiikt6h91BYnEHPkfPSbpfEKUArV5DKLHmhvhvVGR3KS",
].map((one) => parsePeerIdText(one));
const [one, two, three] = [parseOperatorId(1), parseOperatorId(2), parseOperatorId(3)];

describe("the committee as the devnet sees it", () => {
  it("comes out of the metrics plugin's own text", async () => {
    const registry = new Registry();
    const recorder = new MetricsRecorder({registry});
    const request = {kind: "request-finished", key, replayed: false, durationMs: 7} as const;
    recorder.record({kind: "operator-connected", peerId: peers[0]!});
    recorder.record({kind: "operator-connected", peerId: peers[1]!});
    recorder.record({kind: "operator-disconnected", peerId: peers[1]!});
    recorder.record({...request, type: "ATTESTATION", outcome: "ok", signers: [one, two]});
    recorder.record({...request, type: "RANDAO_REVEAL", outcome: "ok", signers: [one]});
    recorder.record({...request, type: "RANDAO_REVEAL", outcome: "COMMITTEE_TIMEOUT", signers: []});
    recorder.record({...request, type: "BLOCK_V2", outcome: "POLICY_TOO_EARLY", signers: []});
    recorder.record({...request, type: "BLOCK_V2", outcome: "CODEC_HEX", signers: []});
    recorder.record({kind: "operator-convicted", operatorId: one, peerId: peers[0]!, key});
    for (const outcome of ["signed", "LINK_DISCONNECTED"] as const) {
      recorder.record({kind: "operator-answered", operatorId: one, peerId: peers[0]!, outcome, durationMs: 3});
    }

    const now = signerNow(parsePrometheus(await registry.metrics()), {
      operators: [
        {id: one, pid: 11, state: "up"},
        {id: two, pid: 12, state: "up"},
        {id: three, pid: null, state: "down"},
      ],
      peers: new Map([
        [one, peers[0]!],
        [two, peers[1]!],
      ]),
      delays: new Map([[two, 800]]),
      lying: new Set([one]),
    });
    expect(now.signed).to.equal(2);
    expect([...now.failed]).to.have.deep.members([
      ["RANDAO_REVEAL COMMITTEE_TIMEOUT", 1],
      ["BLOCK_V2 POLICY_TOO_EARLY", 1],
      ["BLOCK_V2 invalid", 1],
    ]);
    expect(now.durations.get(0.01)).to.equal(2);
    expect(now.operators.map(({state, delayMs, participations}) => [state, delayMs, participations])).to.deep.equal([
      ["up", 0, 2],
      ["connecting", 800, 1],
      ["down", 0, 0],
    ]);
    expect(now.operators.map(({lying, convictions}) => [lying, convictions])).to.deep.equal([
      [true, 1],
      [false, 0],
      [false, 0],
    ]);
    expect([...now.operators[0]!.failures]).to.deep.equal([["LINK_DISCONNECTED", 1]]);
    expect(now.operators[0]!.answers.get(Infinity)).to.equal(1);
  });
});
