import {expect} from "chai";
import fc from "fast-check";
import {
  itemRefusal,
  parseAccount,
  parsePartialAnswer,
  refusalOf,
} from "../../../src/adapters/operator-link/https/answers.js";
import {groupForBatches, type Waiting} from "../../../src/adapters/operator-link/https/batch.js";
import {parsePubkeyHex} from "../../../src/core/bytes.js";
import {codeOf, PleiadesError} from "../../../src/core/errors.js";
import {failure} from "../../support/errors.js";
import {requestOf} from "../../support/link.js";

const VIEW = {
  participant_id: "2",
  public_key: `0x${"ab".repeat(48)}`,
  composite_public_key: `0x${"CD".repeat(48)}`,
  signing_threshold: "2",
  participants: [
    {id: "3", endpoint: "https://c.example"},
    {id: "1", endpoint: "https://a.example"},
    {id: "2", endpoint: "https://b.example:9300"},
  ],
};

describe("what a participant of the distributed profile says", () => {
  it("is read as an account, participants in order of id", () => {
    expect(parseAccount(VIEW)).to.deep.equal({
      participantId: 2n,
      publicKey: `0x${"ab".repeat(48)}`,
      compositePublicKey: `0x${"cd".repeat(48)}`,
      threshold: 2n,
      participants: [
        {id: 1n, endpoint: "https://a.example"},
        {id: 2n, endpoint: "https://b.example:9300"},
        {id: 3n, endpoint: "https://c.example"},
      ],
    });
  });

  it("is no account when the draft's rules are broken", () => {
    const [c, a, b] = VIEW.participants;
    const broken: object[] = [
      {participant_id: "0"},
      {participant_id: "4"},
      {participant_id: 2.5},
      {public_key: "0x12"},
      {signing_threshold: "0"},
      {signing_threshold: "4"},
      {signing_threshold: "-1"},
      {participants: []},
      {participants: [c, a, {...b, id: "1"}]},
      {participants: [c, a, {...b, id: "0"}]},
      {participants: [c, a, {...b, endpoint: "https://a.example"}]},
      {participants: [c, a, {...b, endpoint: "https://a.example/"}]},
      {participants: [c, a, {...b, endpoint: "http://b.example"}]},
      {participants: [c, a, {...b, endpoint: "https://b.example/path"}]},
      {participants: [c, a, {...b, endpoint: "https://user@b.example"}]},
      {participants: Array.from({length: 300}, (_, i) => ({id: `${i + 1}`, endpoint: `https://${i}.example`}))},
    ];
    for (const change of broken) failure("LINK_BAD_REPLY", () => parseAccount({...VIEW, ...change}));
  });

  it("never leads to anything but an answer or a code, whatever it is", () => {
    const attempts = [
      (raw: unknown) => parseAccount(raw),
      (raw: unknown) => parsePartialAnswer(raw, {participantId: 1, signingRoot: `0x${"00".repeat(32)}`}),
      (raw: unknown) => itemRefusal(raw),
      (raw: unknown) => refusalOf({status: 400, body: raw}),
    ];
    fc.assert(
      fc.property(fc.jsonValue(), (raw) => {
        for (const attempt of attempts) {
          try {
            attempt(raw);
          } catch (error) {
            expect(error).to.be.instanceOf(PleiadesError);
            expect(codeOf(error)).to.equal("LINK_BAD_REPLY");
          }
        }
      }),
    );
  });

  it("is a refusal by our code where it has one, by its status where it has none, in one line", () => {
    const kind = "refused" as const;
    expect(refusalOf({status: 412, body: {code: "POLICY_TOO_EARLY", message: "no\nno"}})).to.deep.equal({
      kind,
      code: "POLICY_TOO_EARLY",
      message: "no no",
    });
    expect(refusalOf({status: 412, body: undefined})).to.include({kind, code: "SLASHING_PARTICIPANT_REFUSED"});
    expect(refusalOf({status: 403, body: {code: "NONSENSE"}})).to.include({kind, code: "LINK_UNKNOWN_REASON"});
    expect(itemRefusal({code: 404, message: "DISTRIBUTED_UNKNOWN_KEY: none"})).to.include({
      kind,
      code: "DISTRIBUTED_UNKNOWN_KEY",
    });
    expect(itemRefusal({code: 412, message: "slashable"})).to.include({kind, code: "SLASHING_PARTICIPANT_REFUSED"});
  });
});

describe("requests of one turn to one participant", () => {
  const waiting = (key: number, json: string, change: object = {}): Waiting => ({
    request: {...requestOf(1, {key: parsePubkeyHex(key.toString(16).padStart(96, "0"))}), ...change},
    json,
    settle: () => {},
    open: true,
  });
  const shape = (groups: Waiting[][]) => groups.map((group) => group.map(({request}) => Number(request.key)));

  it("travel together when they ask for one message of several keys", () => {
    const groups = groupForBatches([
      waiting(1, "a"),
      waiting(2, "b"),
      waiting(3, "a"),
      waiting(4, "b"),
      waiting(5, "c"),
    ]);
    expect(shape(groups)).to.deep.equal([[1, 3], [2, 4], [5]]);
  });

  it("travel alone when their type names a validator, and never twice for one key", () => {
    const exit = {request: {type: "VOLUNTARY_EXIT"}};
    expect(shape(groupForBatches([waiting(1, "a", exit), waiting(2, "a", exit)]))).to.deep.equal([[1], [2]]);
    expect(shape(groupForBatches([waiting(1, "a"), waiting(1, "a"), waiting(2, "a")]))).to.have.deep.members([
      [1],
      [1, 2],
    ]);
  });

  it("go in order of urgency, and in calls of at most 1024 keys", () => {
    const urgent = {priority: 0};
    const many = Array.from({length: 1500}, (_, n) => waiting(n, "a"));
    const groups = groupForBatches([...many, waiting(9, "b", urgent)]);
    expect(groups[0]?.[0]?.json).to.equal("b");
    expect(groups.slice(1).map((group) => group.length)).to.deep.equal([1024, 476]);
    expect(new Set(groups.flat())).to.have.property("size", 1501);
  });
});
