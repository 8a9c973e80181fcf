import {expect} from "chai";
import {codeOf} from "../../../src/core/errors.js";
import {parseToKeeper} from "../../../src/keeper/channel.js";
import {parseKeeperInit} from "../../../src/keeper/init.js";
import {KeeperFixture} from "../../support/keeper.js";

/** Lists cross the channel with their holes, which JSON does not have and `map` and `every` pass over. */
describe("a list with holes from the operator process", () => {
  const fixture = new KeeperFixture();
  after(() => fixture.close());
  const codeFor = (task: () => unknown): string => {
    try {
      task();
      return "accepted";
    } catch (error) {
      return codeOf(error);
    }
  };

  it("is no list of requests", () => {
    expect(codeFor(() => parseToKeeper({kind: "sign", items: new Array(5)}))).to.equal("KEEPER_BAD_MESSAGE");
  });

  it("is no part of what a keeper is started with", () => {
    const init = fixture.init();
    expect(codeFor(() => parseKeeperInit(init))).to.equal("accepted");
    const holes = new Array(1);
    expect(codeFor(() => parseKeeperInit({...init, bundleFiles: holes}))).to.equal("KEEPER_BAD_INIT");
    expect(codeFor(() => parseKeeperInit({...init, committeeFiles: holes}))).to.equal("KEEPER_BAD_INIT");
    const network = {...(init.network as object), forks: holes};
    expect(codeFor(() => parseKeeperInit({...init, network}))).to.equal("NETWORK_INVALID");
    for (const policy of [{permits: holes}, {genericDomainTypes: holes}]) {
      expect(codeFor(() => parseKeeperInit({...init, policy}))).to.match(/^(POLICY_CONFIG|CODEC_HEX)$/);
    }
  });
});
