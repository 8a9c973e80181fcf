import {expect} from "chai";
import {ask, attestation, start, stopAll, withRoot} from "./fixture.js";

const TOKEN = "0f".repeat(32);

describe("a remote signer below a secret path", function () {
  this.timeout(10_000);
  afterEach(stopAll);

  it("serves every route below it", async () => {
    const {url, keys} = await start({}, {pathToken: TOKEN});
    const get = (path: string) => ask(`${url}/${TOKEN}${path}`, {method: "GET"});
    expect((await get("/upcheck")).status).to.equal(200);
    expect((await get("/api/v1/eth2/publicKeys")).json).to.deep.equal(keys);
    const signed = await ask(`${url}/${TOKEN}/api/v1/eth2/sign/${keys[0]}`, {
      method: "POST",
      body: JSON.stringify(withRoot(attestation(5))),
      headers: {"content-type": "application/json"},
    });
    expect(signed.status, signed.text).to.equal(200);
  });

  it("has nothing for whoever does not know it: no route, no other path, no beginning of it", async () => {
    const {url, keys} = await start({}, {pathToken: TOKEN});
    for (const path of [
      "/upcheck",
      "/api/v1/eth2/publicKeys",
      `/api/v1/eth2/sign/${keys[0]}`,
      `/${TOKEN.slice(0, -1)}/upcheck`,
      `/${TOKEN.slice(0, -1)}0/upcheck`,
      `/${TOKEN}upcheck`,
      `/x/${TOKEN}/upcheck`,
      `//${TOKEN}/upcheck`,
      `/${TOKEN}`,
      "/",
      "/é/upcheck",
    ]) {
      const answer = await ask(url + encodeURI(path), {method: "GET"});
      expect([answer.status, answer.json?.code], path).to.deep.equal([404, "HTTP_NOT_FOUND"]);
    }
    expect((await ask(`${url}/reload`, {method: "POST"})).status).to.equal(404);
  });
});
