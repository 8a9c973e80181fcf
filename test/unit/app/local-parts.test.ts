import {mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {createServer} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {formatError} from "../../../src/app/cli/errors.js";
import {lockDataDir} from "../../../src/app/local/lock.js";
import {noNetwork} from "../../../src/app/local/no-network.js";
import {notesFor} from "../../../src/app/local/plan.js";
import {freePorts} from "../../../src/app/local/ports.js";
import {readState} from "../../../src/app/local/state.js";
import {withAddresses} from "../../../src/app/moved-operators.js";
import {parseAddressHex, parseOperatorId, parsePeerIdText} from "../../../src/core/bytes.js";
import {codeOf, PleiadesError} from "../../../src/core/errors.js";

const PEER = parsePeerIdText("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp");

describe("the data folder of a local committee", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-state-"));
  });
  afterEach(() => rm(dir, {recursive: true, force: true}));

  it("belongs to one process at a time", async () => {
    const unlock = await lockDataDir(dir);
    expect(await lockDataDir(dir).catch(codeOf)).to.equal("CLI_LOCAL_IN_USE");
    await unlock();
    await (await lockDataDir(dir))();
  });

  it("is free again when its holder died, whoever has its port or process id now", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).end("something else"));
    try {
      const port = await new Promise<number>((resolve) => {
        server.listen(0, "127.0.0.1", () => resolve((server.address() as {port: number}).port));
      });
      const [closed = 0] = await freePorts([0]);
      const stale = [
        {pid: process.pid, port, token: "a"},
        {pid: 1, port: closed, token: ""},
      ].map((lock) => JSON.stringify(lock));
      for (const content of [...stale, "{"]) {
        await writeFile(join(dir, "local.lock"), content);
        await (await lockDataDir(dir))();
      }
    } finally {
      server.close();
    }
  });

  it("is taken for new when a start was interrupted, and refused when it holds anything else", async () => {
    expect(await readState(join(dir, "new"))).to.equal(null);
    await mkdir(join(dir, ".preparing"));
    expect(await readState(dir)).to.equal(null);
    await mkdir(join(dir, "committee"));
    expect(await readState(dir).catch(codeOf)).to.equal("CLI_LOCAL_DIR");
    await writeFile(join(dir, "committee/local.json"), '{"version": 1}');
    expect(await readState(dir).catch(codeOf)).to.equal("CLI_LOCAL_DIR");
    await rm(join(dir, "committee"), {recursive: true});
    await writeFile(join(dir, "diary.txt"), "");
    expect(await readState(dir).catch(codeOf)).to.equal("CLI_LOCAL_DIR");
    expect(await readFile(join(dir, "diary.txt"), "utf8")).to.equal("");
  });

  it("keeps its ports while they are free and takes others when they are not", async () => {
    const [first = 0, second = 0] = await freePorts([0, 0]);
    expect(first).to.not.equal(second);
    // Nobody is given one of these by the system between two starts.
    for (const port of [first, second]) expect(port).to.be.within(16_384, 32_767);
    expect(await freePorts([first, second])).to.deep.equal([first, second]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(first, "127.0.0.1", resolve));
    const [moved, same] = await freePorts([first, second]);
    expect(moved).to.not.equal(first);
    expect(same).to.equal(second);
    server.close();
  });
});

describe("what a local committee says it cannot check", () => {
  const feeRecipient = parseAddressHex(`0x${"11".repeat(20)}`);

  it("is one sentence for each thing that is not known", () => {
    expect(notesFor(noNetwork("mainnet"), {feeRecipient: null, interop: true})).to.have.length(5);
    const known = {...noNetwork("mainnet"), clock: {genesisTime: 1, secondsPerSlot: 12}};
    expect(notesFor(known, {feeRecipient, interop: false})).to.have.length(2);
  });
});

describe("operators that moved", () => {
  it("are dialled where the configuration says", () => {
    const operator = {id: parseOperatorId(1), peerId: PEER, addresses: ["/ip4/10.0.0.1/tcp/1"]};
    const committee = {
      version: 1 as const,
      generation: 0,
      genesisValidatorsRoot: null,
      threshold: 3,
      operators: [operator],
      coordinators: [],
      validators: [],
    };
    expect(withAddresses([committee], {})[0]?.operators).to.deep.equal([operator]);
    const [moved] = withAddresses([committee], {[PEER]: ["/ip4/10.0.0.2/tcp/2"]});
    expect(moved?.operators[0]?.addresses).to.deep.equal(["/ip4/10.0.0.2/tcp/2"]);
  });
});

describe("an error on the command line", () => {
  it("is its code, what it means, where, and what to do, without a stack", () => {
    const text = formatError(new PleiadesError({code: "CLI_FILE", file: "a.txt", reason: "ENOENT"}));
    expect(text).to.match(/^CLI_FILE: .+\n {2}file: a\.txt\n {2}reason: ENOENT\nWhat to do: .+$/);
    expect(formatError(new TypeError("x is not a function"))).to.match(
      /^INTERNAL: .+\n {2}x is not a function\nWhat to do: /,
    );
  });
});
