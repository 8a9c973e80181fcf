import {expect} from "chai";
import fc from "fast-check";
import {MAX_FRAME_ITEMS, MAX_MESSAGE_LENGTH} from "../../../src/adapters/operator-link/limits.js";
import {
  helloText,
  parseMessage,
  parseReplyItem,
  parseRequestItem,
  pingText,
  pongText,
  replyItemText,
  replyText,
  requestText,
  signItemText,
  watermarkItemTexts,
} from "../../../src/adapters/operator-link/messages.js";
import {codeOf, PleiadesError} from "../../../src/core/errors.js";
import {formatSighting} from "../../../src/core/slashing/sighting.js";
import {MAX_TOLD} from "../../../src/ports/sightings.js";
import {testPeerId} from "../../support/committees.js";
import {hashOf, keyOf, requestOf, sightingOf, signedFor} from "../../support/link.js";

const itemsOf = (text: string): readonly unknown[] => {
  const message = parseMessage(text);
  if (!("items" in message)) throw new Error("no items");
  return message.items;
};
const codeFromParse = (parse: () => unknown) => {
  try {
    parse();
    return "parsed";
  } catch (error) {
    return codeOf(error);
  }
};
/** The code with which one malformed request item is refused. */
const malformed = (item: {[key: string]: unknown}) => {
  const parsed = parseRequestItem(item);
  return parsed.op === "malformed" ? parsed.error.code : parsed.op;
};
const wireItem = (changes: {[key: string]: unknown} = {}): {[key: string]: unknown} => ({
  id: 1,
  op: "sign",
  ...requestOf(1),
  ...changes,
});

describe("messages between coordinator and operator", () => {
  it("carry requests through unchanged", () => {
    const requests = [requestOf(1), requestOf(2, {priority: 0})];
    const text = requestText(
      requests.map((request, n) => ({id: n + 1, text: signItemText(request, JSON.stringify(request.request))})),
    );
    expect(itemsOf(text).map(parseRequestItem)).to.deep.equal(
      requests.map((request, n) => ({id: n + 1, op: "sign", request})),
    );
  });

  it("carry replies through unchanged", () => {
    const signed = signedFor(requestOf(1));
    const refused = {kind: "refused", code: "OPERATOR_UNKNOWN_KEY", message: 'with "quotes" and ümlauts'} as const;
    const text = replyText(
      [
        {id: 9, text: replyItemText(signed)},
        {id: 4, text: replyItemText(refused)},
      ],
      null,
    );
    const [first, second] = itemsOf(text).map(parseReplyItem);
    expect(first).to.deep.equal({
      id: 9,
      reply: {...signed, partial: Buffer.from((signed as {partial: Uint8Array}).partial)},
    });
    expect(second).to.deep.equal({id: 4, reply: refused});
  });

  it("carry watermarks in parts, of which only the last says that it is", () => {
    const marks = Array.from({length: 4001}, (_, n) => ({key: keyOf(n), slot: BigInt(n), epoch: null}));
    const parts = watermarkItemTexts(marks).map((text) => parseReplyItem(JSON.parse(`{"id":1,${text}`)));
    expect(parts.map((part) => "more" in part && part.more)).to.deep.equal([true, true, false]);
    expect(parts.flatMap((part) => ("watermarks" in part ? part.watermarks : []))).to.deep.equal(marks);
    expect(watermarkItemTexts([]).length).to.equal(1);
  });

  it("begin with a hello that names protocol and software", () => {
    expect(parseMessage(helloText("pleiades/9"))).to.deep.equal({
      type: "hello",
      protocol: 2,
      software: "pleiades/9",
      own: null,
      told: [],
    });
  });

  it("carry sightings through unchanged, with hellos, pings, pongs and replies", () => {
    const told = [1, 2].map((n) => ({peerId: testPeerId(n), sighting: sightingOf(n)}));
    const remembered = {own: sightingOf(3), told};
    expect(parseMessage(helloText("x", remembered))).to.deep.include(remembered);
    expect(parseMessage(pingText(7, told))).to.deep.equal({type: "ping", n: 7, told});
    const pong = {n: 7, now: 1_700_000_000_123, stopCode: "KEEPER_SECOND_COPY" as const, ...remembered};
    expect(parseMessage(pongText(pong))).to.deep.equal({type: "pong", ...pong});
    expect(parseMessage(pongText({...pong, stopCode: null}))).to.deep.include({stopCode: null});
    const text = replyText([{id: 1, text: replyItemText(signedFor(requestOf(1)))}], formatSighting(sightingOf(3)));
    expect(parseMessage(text)).to.deep.include({type: "reply", own: sightingOf(3)});
  });

  it("say that the version is another one before anything else can be wrong", () => {
    const old = '{"type":"hello","protocol":1,"software":"x"}';
    expect(parseMessage(old)).to.deep.include({protocol: 1, told: []});
  });

  it("take an operator's unknown reason to stop for what it is", () => {
    const pong = JSON.parse(pongText({n: 1, now: 1, stopCode: null, own: null, told: []})) as object;
    const parsed = parseMessage(JSON.stringify({...pong, stopCode: "KEEPER_OF_THE_FUTURE"}));
    expect(parsed).to.deep.include({stopCode: "LINK_UNKNOWN_REASON"});
  });

  const line = `${testPeerId(1)} ${formatSighting(sightingOf(1))}`;
  const ping = (told: unknown, n: unknown = 1) => JSON.stringify({type: "ping", n, told});
  for (const [what, text] of Object.entries({
    "a ping without a number": JSON.stringify({type: "ping", told: []}),
    "a ping with half a number": ping([], 0.5),
    "a ping without a list of sightings": JSON.stringify({type: "ping", n: 1}),
    "too many sightings": ping(Array(MAX_TOLD + 1).fill(line)),
    "a sighting that is no text": ping([7]),
    "a sighting without a peer": ping([formatSighting(sightingOf(1))]),
    "a sighting that is too long": ping([`${line}${"0".repeat(400)}`]),
    "a damaged sighting": ping([line.slice(0, -1)]),
    "a pong without a time": JSON.stringify({type: "pong", n: 1, stopCode: null, own: null, told: []}),
    "a pong with a reason that is none": JSON.stringify({type: "pong", n: 1, now: 1, stopCode: 7, own: null, told: []}),
    "a reply with a damaged sighting": '{"type":"reply","own":"x","items":[{"id":1}]}',
    "a hello of this version with a damaged sighting": helloText("x").replace('"own":null', '"own":"."'),
    "text that is not JSON": "{",
    "an array": "[]",
    null: "null",
    "an unknown type": '{"type":"sing"}',
    "a hello without a version": '{"type":"hello","software":"x"}',
    "a hello with a long name": JSON.stringify({type: "hello", protocol: 1, software: "x".repeat(129)}),
    "no items": '{"type":"request","items":[]}',
    "items that are not a list": '{"type":"reply","items":{"length":1}}',
    "too many items": JSON.stringify({type: "request", items: Array(MAX_FRAME_ITEMS + 1).fill(0)}),
    "brackets that nest half a million deep": "[".repeat(500_000),
  })) {
    it(`breaks the protocol with ${what}`, () => {
      expect(codeFromParse(() => parseMessage(text))).to.equal("LINK_FRAME");
    });
  }

  for (const id of [0, -1, 1.5, 2 ** 53, "1", null, undefined]) {
    it(`breaks the protocol with the item id ${String(id)}`, () => {
      expect(codeFromParse(() => parseRequestItem({id}))).to.equal("LINK_FRAME");
      expect(codeFromParse(() => parseReplyItem({id}))).to.equal("LINK_FRAME");
    });
  }

  it("refuse a malformed item alone, with a code that says why", () => {
    expect(malformed(wireItem())).to.equal("sign");
    expect(malformed(wireItem({op: "export"}))).to.equal("LINK_BAD_ITEM");
    expect(malformed(wireItem({key: "0x12"}))).to.equal("CODEC_HEX");
    expect(malformed(wireItem({committeeHash: 7}))).to.equal("CODEC_HEX");
    expect(malformed(wireItem({priority: 4}))).to.equal("LINK_BAD_ITEM");
    expect(malformed(wireItem({request: "x"}))).to.equal("LINK_BAD_ITEM");
    expect(malformed(wireItem({request: {type: "constructor"}}))).to.equal("LINK_BAD_ITEM");
    expect(malformed(wireItem({request: {type: "GENERIC", junk: "x".repeat(2 ** 16)}}))).to.equal("LINK_TOO_LARGE");
    expect(malformed(wireItem({request: {type: "GENERIC", junk: Array(2 ** 16).fill(0)}}))).to.equal("LINK_TOO_LARGE");
    const deep: unknown = JSON.parse(`${"[".repeat(1000)}${"]".repeat(1000)}`);
    expect(malformed(wireItem({request: {type: "GENERIC", deep}}))).to.equal("LINK_BAD_ITEM");
  });

  it("turn a malformed answer into a refusal of its own request", () => {
    const signed = {id: 1, kind: "signed", committeeHash: hashOf(1), partial: "ab".repeat(192)};
    for (const answer of [
      {...signed, partial: "ab".repeat(191)},
      {...signed, partial: "AB".repeat(192)},
      {...signed, partial: [1]},
      {...signed, committeeHash: "0x"},
      {id: 1, kind: "maybe"},
      {id: 1, kind: "refused", code: 7, message: ""},
      {id: 1, kind: "refused", code: "INTERNAL", message: "x".repeat(MAX_MESSAGE_LENGTH + 1)},
      {id: 1, kind: "watermarks", keys: [{key: keyOf(1), slot: "-1", epoch: null}]},
      {id: 1, kind: "watermarks", keys: {}},
    ]) {
      const item = parseReplyItem(answer);
      expect("reply" in item && item.reply.kind === "refused" && item.reply.code).to.equal("LINK_BAD_REPLY");
    }
    const good = parseReplyItem(signed);
    expect("reply" in good && good.reply.kind).to.equal("signed");
  });

  it("tell of a reason this version does not know, in the operator's words, on one line", () => {
    const item = parseReplyItem({id: 1, kind: "refused", code: "FUTURE_REASON", message: "new\n{forged log line}"});
    expect(item).to.deep.equal({
      id: 1,
      reply: {kind: "refused", code: "LINK_UNKNOWN_REASON", message: "FUTURE_REASON: new {forged log line}"},
    });
  });

  it("are either understood or refused with a known code, whatever they hold", () => {
    const junk = fc.oneof(
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({type: "request", items: [value]})),
    );
    fc.assert(
      fc.property(junk, (text) => {
        try {
          for (const item of itemsOf(text)) {
            parseRequestItem(item);
            parseReplyItem(item);
          }
        } catch (error) {
          if ((error as Error).message !== "no items") expect(error).to.be.instanceOf(PleiadesError);
        }
      }),
      {numRuns: 300},
    );
  });
});
