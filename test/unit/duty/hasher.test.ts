import {hasher, setHasher} from "@chainsafe/persistent-merkle-tree";
import {expect} from "chai";
import fc from "fast-check";
import {toHex} from "../../../src/core/bytes.js";
import {installFastHasher} from "../../../src/core/duty/hasher.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {objectRootOf} from "../../../src/core/duty/signing-root.js";
import {arbitraryRequest} from "./fixtures.js";

describe("installFastHasher", () => {
  const before = hasher;
  afterEach(() => setHasher(before));

  it("changes no root", () => {
    const requests = fc.sample(arbitraryRequest(PRESETS.minimal), 100);
    const roots = () =>
      requests.map(({type, message, version}) =>
        toHex(objectRootOf(type, message, PRESETS.minimal, version ?? "phase0")),
      );
    const slow = roots();
    installFastHasher();
    expect(hasher.name).to.equal("as-sha256");
    expect(roots()).to.deep.equal(slow);
  });
});
