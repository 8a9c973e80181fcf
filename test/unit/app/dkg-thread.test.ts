import {expect} from "chai";
import {blstDkgGroup as group} from "../../../src/adapters/bls/blst.js";
import {dkgThread} from "../../../src/app/dkg-thread.js";
import {headerOf} from "../../../src/core/dkg/items.js";
import type {DkgArgument, DkgAside} from "../../../src/plugin/dkg/jobs.js";
import {testCeremony, testSeed} from "../../support/dkg.js";
import {announceOf, dealingOf} from "../../support/dkg-dealings.js";
import {codeFrom} from "../../support/link.js";

describe("the thread that computes ceremonies", () => {
  const {ceremony, nodes} = testCeremony(4, {validators: 1});
  const {plan} = ceremony;
  let aside: DkgAside;
  let check: DkgArgument<"check">;
  before(() => {
    const announces = nodes.map((node, i) => announceOf(group, ceremony, i + 1, {seed: testSeed(i + 1)}, node));
    const {item, chunks} = dealingOf(group, ceremony, 2, {seed: testSeed(2)}, {announces, node: nodes[1]!});
    check = {plan, at: {dealer: 2, header: headerOf(ceremony, item), chunk: 0, bytes: chunks[0]!}};
  });
  beforeEach(() => {
    aside = dkgThread();
  });
  afterEach(() => aside.close());

  it("finds what this one would find, of good chunks and of bad ones", async () => {
    expect(await aside.run("check", check)).to.equal(null);
    const cut = {...check.at, bytes: check.at.bytes.slice(1)};
    expect(await aside.run("check", {plan, at: cut})).to.match(/^\d+ bytes instead of \d+$/);
    const other = {...check.at, bytes: Uint8Array.from(check.at.bytes).fill(0, 0, 1)};
    expect(await aside.run("check", {plan, at: other})).to.match(/committed to/);
  });

  it("fails with the code that this one would fail with", async () => {
    const missing = {plan, qualified: [1, 2, 3, 4], chunk: 0, chunks: new Map()};
    expect(await codeFrom(aside.run("keys", missing))).to.equal("DKG_DEALERS_MISSING");
    expect(await aside.run("check", check)).to.equal(null);
  });

  it("leaves nobody waiting when it is closed", async () => {
    await aside.run("check", check);
    const waiting = codeFrom(aside.run("check", check));
    await aside.close();
    // Either it was done before, or it says that it ended.
    expect(await waiting).to.be.oneOf(["resolved", "INTERNAL"]);
    expect(await codeFrom(aside.run("check", check))).to.equal("INTERNAL");
  });
});
