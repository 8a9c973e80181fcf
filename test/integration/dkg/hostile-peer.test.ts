import {randomBytes} from "node:crypto";
import {expect} from "chai";
import {blstDkgGroup} from "../../../src/adapters/bls/blst.js";
import {MemoryCeremonyJournal, MemoryJournalDisk} from "../../../src/adapters/ceremony-journal/memory.js";
import {generateIdentity, type Identity} from "../../../src/adapters/libp2p/identity.js";
import {createNode} from "../../../src/adapters/libp2p/node.js";
import type {Stream} from "../../../src/adapters/libp2p/operator-hub.js";
import {encodeFrame, type Frame, frameDecoder, KIND} from "../../../src/adapters/peer-messages/frames.js";
import {parseOperatorId, type RootHex} from "../../../src/core/bytes.js";
import {ceremonyId, parseDefinition} from "../../../src/core/dkg/definition.js";
import {verifyNodeSignature} from "../../../src/core/dkg/node-signature.js";
import type {Output} from "../../../src/core/dkg/state.js";
import type {ReasonCode} from "../../../src/core/errors.js";
import {encodeItems, encodeMessage} from "../../../src/plugin/dkg/wire.js";
import {nodeSigner} from "../../support/dkg.js";
import {definitionText, startCeremonies, TestVaults} from "../../support/dkg-operators.js";
import {startPeerNode} from "../../support/peer-node.js";
import {waitFor} from "../../support/wait.js";

const PROTOCOL = "/pleiades/plugin/test/1";
const NOT_TAKEN = "a peer's part of a ceremony was not taken";
const id32 = (id: RootHex): Buffer => Buffer.from(id.slice(2), "hex");

/** The fourth operator's end of a stream. */
interface Line {
  say(kind: Frame["kind"], body?: Uint8Array, id?: number): void;
  bytes(bytes: Uint8Array): void;
  hangUp(): void;
}
/** What the fourth one does; by default it is silent. */
interface Strange {
  readonly protocol?: string;
  /** Each time an honest operator has opened a stream, or it has. */
  opened?(line: Line, times: number, id: RootHex): void;
  /** Answers one request. */
  asked?(line: Line, frame: Frame, id: RootHex): void;
}

/** Bodies that no release of this plugin says, or not all of them. */
const nonsense = (id: RootHex): Uint8Array[] => [
  new Uint8Array(),
  Buffer.from([7]),
  Buffer.concat([Buffer.from([4]), id32(id), randomBytes(40)]),
  Buffer.concat([Buffer.from([1]), id32(id), randomBytes(15)]),
  Buffer.concat([Buffer.from([2]), id32(id), randomBytes(31)]),
  Buffer.concat([Buffer.from([3]), id32(id), randomBytes(64)]),
  Buffer.concat([Buffer.from([0]), id32(id).subarray(0, 20)]),
  randomBytes(100_000),
];

const STRANGERS: {readonly [what: string]: Strange & {readonly code: ReasonCode; readonly message: string}} = {
  "speaks another version of the plugin's protocol": {
    protocol: "/pleiades/plugin/test/2",
    code: "PEER_NO_PLUGIN",
    message: "peer not connected",
  },
  "sends frames that are none, too long or cut off": {
    code: "LINK_FRAME",
    message: "peer not connected",
    opened(line, times) {
      line.say(KIND.hello);
      const broken = [Buffer.from("00000005ff00000000", "hex"), Buffer.from("7fffffff02", "hex"), randomBytes(5_000)];
      line.bytes(times % 4 === 3 ? Buffer.from("000000ff0200000000ab", "hex") : broken[times % 4]!);
      if (times % 4 === 3) line.hangUp();
    },
  },
  "asks what no release asks": {
    code: "DKG_MESSAGE",
    message: NOT_TAKEN,
    opened(line, _, id) {
      line.say(KIND.hello);
      for (const [i, body] of [...nonsense(id), ...nonsense(id)].entries()) line.say(KIND.request, body, i + 1);
    },
  },
  "says what no release says": {
    code: "DKG_MESSAGE",
    message: NOT_TAKEN,
    opened(line, _, id) {
      line.say(KIND.hello);
      for (const body of [...nonsense(id), ...nonsense(id)]) line.say(KIND.message, body);
    },
  },
  "says items of another version": {
    code: "DKG_ITEM_MALFORMED",
    message: NOT_TAKEN,
    opened(line, _, id) {
      line.say(KIND.hello);
      for (const text of ["", "{}", '{"version":9}', `{"ceremony":"${id}","kind":"later"}`, "\u0000"]) {
        line.say(KIND.message, encodeMessage({kind: "item", ceremony: id, text}));
      }
    },
  },
  "answers with nonsense": {
    code: "DKG_MESSAGE",
    message: NOT_TAKEN,
    opened: (line) => line.say(KIND.hello),
    asked(line, {id: asked}, id) {
      const whole = encodeItems(["{}"]);
      const answers = [...nonsense(id), whole.subarray(0, -1), Buffer.from("00000000", "hex")];
      line.say(KIND.reply, answers[asked % answers.length], asked);
    },
  },
};

describe("a ceremony over libp2p with one operator that is no such thing", function () {
  this.timeout(90_000);
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  for (const [what, {code, message, ...stranger}] of Object.entries(STRANGERS)) {
    it(`goes on with the others when it ${what}, and the log says so once`, async () => {
      const {honest, refusals} = await ceremonyWith(stranger);
      const said = (logger: (typeof honest)[number]["loggers"][number]) =>
        logger.lines.filter((line) => line.message === message && line.fields.code === code && line.level === "warn");
      for (const {loggers} of honest) {
        await waitFor("said", () => loggers.some((logger) => said(logger).length > 0));
        const lines = loggers.flatMap(said);
        // By operator, and in words: nobody has to know the codes.
        for (const {fields} of lines) expect(String(fields.reason)).to.match(/^[A-Z][a-z' -]+ .*\./);
        expect(lines.length, JSON.stringify(lines.slice(0, 5))).to.be.lessThan(10);
      }
      await waitFor("three have a key", () => honest.every(({output}) => output() !== null), 60_000);
      for (const {output} of honest) expect(output()?.missing).to.deep.equal([4]);
      expect(honest.map(({ended}) => ended()).every((end) => end === honest[0]!.ended())).to.equal(true);
      if (what.startsWith("asks")) expect(new Set(refusals)).to.include("DKG_MESSAGE");
    });
  }

  async function ceremonyWith({protocol = PROTOCOL, opened, asked}: Strange) {
    const identities: Identity[] = await Promise.all([1, 2, 3, 4].map(() => generateIdentity()));
    const nodes = identities.map(nodeSigner);
    const refusals: string[] = [];
    let id: RootHex | null = null;
    let times = 0;
    const fourth = await createNode({identity: identities[3]!}, {listen: ["/ip4/127.0.0.1/tcp/0"], gater: {}});
    await fourth.handle(protocol, (stream) => {
      const line = lineOf(stream, (frame) => {
        if (frame.kind === KIND.refusal) refusals.push(Buffer.from(frame.body).toString());
        if (frame.kind === KIND.request) asked?.(line, frame, id!);
      });
      opened?.(line, times++, id!);
    });
    await fourth.start();
    closers.push(() => fourth.stop());

    const running = await Promise.all(
      identities.slice(0, 3).map(async (identity, n) => {
        const peerNode = await startPeerNode({identity});
        const journal = new MemoryCeremonyJournal(new MemoryJournalDisk());
        const vaults = new TestVaults(blstDkgGroup, nodes[n]!);
        const modules = {peers: peerNode.messages, journal, node: nodes[n]!, vaults, group: blstDkgGroup};
        const {ceremonies, logger} = startCeremonies(modules);
        closers.push(async () => {
          await ceremonies.close();
          await peerNode.close();
          await journal.close();
        });
        return {ceremonies, loggers: [logger, peerNode.logger], addresses: peerNode.addresses};
      }),
    );
    const addresses = [
      ...running.map((one) => one.addresses),
      fourth.getMultiaddrs().map((one) => String(one).replace(/\/p2p\/.*/, "")),
    ];
    const operators = nodes.map(({peerId}, n) => ({id: parseOperatorId(n + 1), peerId, addresses: addresses[n]!}));
    const text = definitionText(nodes, {operators, require: 3});
    // Nobody is connected before a ceremony is joined.
    const joined = ceremonyId(parseDefinition(text, verifyNodeSignature).definition);
    id = joined;
    await Promise.all(running.map(({ceremonies}) => ceremonies.join(text)));
    const honest = running.map(({ceremonies, loggers}) => ({
      loggers,
      output: (): Output | null => ceremonies.status(joined).status?.output ?? null,
      ended: () => ceremonies.status(joined).ended,
    }));
    return {honest, refusals};
  }
});

function lineOf(stream: Stream, heard: (frame: Frame) => void): Line {
  const decoder = frameDecoder();
  let ended = stream.status !== "open";
  stream.addEventListener("message", ({data}) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data)
      for (const frame of decoder.push(chunk)) heard(frame);
  });
  for (const kind of ["close", "remoteCloseWrite"] as const) {
    stream.addEventListener(kind, () => {
      ended = true;
    });
  }
  const bytes = (some: Uint8Array): void => {
    if (!ended) stream.send(some);
  };
  return {
    bytes,
    say: (kind, body = new Uint8Array(), id = 0) => bytes(encodeFrame(kind, id, body)),
    hangUp: () => stream.abort(new Error("test")),
  };
}
