import {expect} from "chai";
import {codeOf} from "../../../src/core/errors.js";
import {deriveKey} from "../../../src/keeper/seal.js";

describe("the parameters of scrypt in a file", () => {
  const outcome = (n: number, r: number, p: number): Promise<string> =>
    deriveKey("x", new Uint8Array(32), {n, r, p}).then(() => "derived", codeOf);

  it("are refused when they would cost too much, or when scrypt itself does not take them", async () => {
    const bad: [n: number, r: number, p: number][] = [
      [3, 8, 1],
      [2 ** 25, 1, 1],
      [2 ** 18, 16, 1],
      [2 ** 10, 8, 5],
      // RFC 7914 section 6: N is less than 2^(128 r / 8).
      [2 ** 16, 1, 1],
      // Within the bound on N and r, beyond what is allowed with p.
      [2, 2 ** 20, 4],
      [Number.NaN, 8, 1],
    ];
    for (const [n, r, p] of bad) expect(await outcome(n, r, p), `${n} ${r} ${p}`).to.equal("KEEPER_BUNDLE");
    expect(await outcome(2 ** 10, 8, 1)).to.equal("derived");
  });
});
