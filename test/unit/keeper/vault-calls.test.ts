import {expect} from "chai";
import {parseVaultCall} from "../../../src/keeper/dkg/calls.js";
import {anyFailure} from "../../support/errors.js";

const KEY = `0x${"ab".repeat(48)}`;

describe("a call to the keeper's vault for an exit in escrow", () => {
  it("names a key and an index, and neither holder nor epoch, which the keeper knows itself", () => {
    const call = {method: "sealExit", key: KEY.toUpperCase().replace("0X", "0x"), validatorIndex: 2n ** 64n - 1n};
    const parsed = parseVaultCall({...call, holder: KEY, epoch: 5n});
    expect(parsed).to.deep.equal({method: "sealExit", key: KEY, validatorIndex: 2n ** 64n - 1n});
  });

  it("is refused with a code when it is anything else", () => {
    for (const validatorIndex of [undefined, null, 5, "5", {}, [5n], -1n, 2n ** 64n, 10n ** 40n]) {
      const error = anyFailure(() => parseVaultCall({method: "sealExit", key: KEY, validatorIndex}));
      expect(error.code, String(validatorIndex)).to.be.oneOf(["KEEPER_BAD_MESSAGE", "CODEC_UINT64"]);
    }
    for (const key of [undefined, null, 5, "", `${KEY}00`, {}]) {
      const error = anyFailure(() => parseVaultCall({method: "sealExit", key, validatorIndex: 5n}));
      expect(error.code).to.equal("CODEC_HEX");
    }
  });
});
