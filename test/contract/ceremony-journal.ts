import {expect} from "chai";
import {parseRootHex, type RootHex} from "../../src/core/bytes.js";
import type {CeremonyJournal} from "../../src/ports/ceremony-journal.js";
import {codeFrom} from "../support/link.js";

const idOf = (n: number): RootHex => parseRootHex(`0x${n.toString(16).padStart(64, "0")}`);
const [A, B] = [idOf(1), idOf(2)];
const item = (key: string, text = `text of ${key}`) => ({kind: "item", key, text}) as const;

/** What every CeremonyJournal does; `open` opens the same disk again and again. */
export function ceremonyJournalContract(
  name: string,
  create: () => Promise<{open(): Promise<CeremonyJournal>; remove(): Promise<void>}>,
): void {
  describe(`ceremony journal contract: ${name}`, function () {
    this.timeout(20_000);
    let disk: Awaited<ReturnType<typeof create>>;
    let journal: CeremonyJournal;
    const reopen = async () => {
      await journal.close();
      journal = await disk.open();
    };

    beforeEach(async () => {
      disk = await create();
      journal = await disk.open();
    });
    afterEach(async () => {
      await journal.close();
      await disk.remove();
    });

    it("is empty at first", () => {
      expect(journal.ceremonies()).to.deep.equal([]);
      expect(journal.items(A)).to.deep.equal([]);
      expect(journal.agreement(A)).to.equal(null);
      expect(journal.chunk(A, B)).to.equal(null);
    });

    it("remembers ceremonies, each with its first definition and its end", async () => {
      await journal.begin(A, "definition a");
      await journal.begin(A, "another text");
      await journal.begin(B, "definition b");
      await journal.end(B, '{"outcome":"failed"}');
      await reopen();
      expect(journal.ceremonies()).to.have.deep.members([
        {id: A, definition: "definition a", end: null},
        {id: B, definition: "definition b", end: '{"outcome":"failed"}'},
      ]);
    });

    it("keeps the definition as it was written last when more have signed it", async () => {
      await journal.begin(A, "signed by one");
      await journal.write(A, [item("x")]);
      await journal.redefine(A, "signed by all");
      await reopen();
      expect(journal.ceremonies()).to.deep.equal([{id: A, definition: "signed by all", end: null}]);
      expect(journal.items(A)).to.deep.equal(["text of x"]);
    });

    it("gives items back in the order in which they were first written, whatever their keys and however often it was opened", async () => {
      await journal.begin(A, "a");
      await journal.write(A, [item("z"), item("y")]);
      await reopen();
      await journal.write(A, [item("x"), item("z", "another text")]);
      await reopen();
      await journal.write(A, [item("w"), {kind: "forget", key: "y"}]);
      await reopen();
      expect(journal.items(A)).to.deep.equal(["text of z", "text of x", "text of w"]);
    });

    it("keeps the last of the agreement, and chunks by hash", async () => {
      await journal.begin(A, "a");
      await journal.write(A, [{kind: "agreement", text: "1"}]);
      await journal.write(A, [
        {kind: "agreement", text: "2"},
        {kind: "chunk", hash: B, bytes: new Uint8Array([0, 1, 255])},
      ]);
      await reopen();
      expect(journal.agreement(A)).to.equal("2");
      expect([...(journal.chunk(A, B) ?? [])]).to.deep.equal([0, 1, 255]);
      expect(journal.chunk(A, A)).to.equal(null);
    });

    it("keeps ceremonies apart", async () => {
      await journal.begin(A, "a");
      await journal.begin(B, "b");
      await journal.write(A, [item("x", "of a"), {kind: "chunk", hash: A, bytes: new Uint8Array([1])}]);
      await journal.write(B, [item("x", "of b"), {kind: "agreement", text: "of b"}]);
      expect([journal.items(A), journal.items(B)]).to.deep.equal([["of a"], ["of b"]]);
      expect([journal.agreement(A), journal.chunk(B, A)]).to.deep.equal([null, null]);
    });

    it("drops what was said in one, whose definition and end stay, and nothing of another", async () => {
      for (const id of [A, B]) {
        await journal.begin(id, "definition");
        await journal.write(id, [item("x"), {kind: "agreement", text: "1"}]);
        await journal.write(id, [{kind: "chunk", hash: A, bytes: new Uint8Array([1])}]);
        await journal.end(id, "end");
      }
      await journal.drop(A);
      await reopen();
      expect([journal.items(A), journal.agreement(A), journal.chunk(A, A)]).to.deep.equal([[], null, null]);
      expect([journal.items(B).length, journal.agreement(B), journal.chunk(B, A)?.length]).to.deep.equal([1, "1", 1]);
      expect(journal.ceremonies().map(({definition, end}) => [definition, end])).to.deep.equal([
        ["definition", "end"],
        ["definition", "end"],
      ]);
    });

    it("takes many writes at once, all of which are there when they have resolved", async () => {
      await journal.begin(A, "a");
      await Promise.all(Array.from({length: 50}, (_, n) => journal.write(A, [item(`k${n}`, String(n))])));
      await reopen();
      expect(journal.items(A)).to.deep.equal(Array.from({length: 50}, (_, n) => String(n)));
    });

    it("takes nothing more once it is closed", async () => {
      await journal.begin(A, "a");
      await journal.close();
      expect(await codeFrom(journal.write(A, [item("x")]))).to.equal("DKG_JOURNAL_FAILED");
    });
  });
}
