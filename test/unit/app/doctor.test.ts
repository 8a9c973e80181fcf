import {chmod, mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {LmdbSlashingStore} from "../../../src/adapters/slashing-store/lmdb.js";
import {LmdbEnvironment, SCHEMA_VERSION} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {dataFolder, secretFile} from "../../../src/app/doctor/files.js";
import {failed, look} from "../../../src/app/doctor/finding.js";
import {examineOperators} from "../../../src/app/doctor/peers.js";
import {probeFor, probeProblem} from "../../../src/app/doctor/probe.js";
import {keeperStore} from "../../../src/app/doctor/store.js";
import {parsePeerIdText} from "../../../src/core/bytes.js";
import {decidePolicy, EMPTY_POLICY} from "../../../src/core/duty/policy.js";
import {parseSignRequest} from "../../../src/core/duty/request-codec.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import type {PartialReply} from "../../../src/ports/operator-link.js";
import {KeeperFixture} from "../../support/keeper.js";

const READY: PartialReply = {kind: "refused", code: "POLICY_NOT_PERMITTED", message: ""};

describe("the doctor", () => {
  let fixture: KeeperFixture;
  let dir: string;
  before(async () => {
    fixture = new KeeperFixture();
    dir = await mkdtemp(join(tmpdir(), "pleiades-doctor-"));
  });
  after(async () => {
    await fixture.close();
    await rm(dir, {recursive: true, force: true});
  });

  const operators = (
    answer: (operator: number) => PartialReply | Error | null,
    software = () => "pleiades/1.0.0",
    clockOffsetMs = (_operator: number) => 3,
  ) =>
    examineOperators(
      {
        clock: systemClock,
        whyNot: () => "LINK_REJECTED",
        link: {
          peers: () =>
            fixture.committee.operators.map(({id, peerId}) => ({
              peerId: parsePeerIdText(peerId),
              connected: answer(id) !== null,
              software: software(),
              roundTripMs: 1,
              clockOffsetMs: clockOffsetMs(id),
              stopCode: null,
            })),
          requestPartial: async (peer) => {
            const {id} = fixture.committee.operators.find(({peerId}) => peerId === peer)!;
            const reply = answer(id);
            if (reply instanceof Error || reply === null) throw reply;
            return reply;
          },
        },
      },
      {committees: [fixture.committee], network: fixture.network, ownSoftware: "pleiades/1.0.0"},
    );
  const bad = ({findings}: Awaited<ReturnType<typeof operators>>) =>
    findings.filter(({status}) => status !== "ok").map(({check, status, code}) => [check, status, code]);

  it("asks with a request that reads well, is refused by policy everywhere, and would be worth nothing signed", () => {
    const {key, request} = probeFor(fixture.committee, fixture.committee.validators[0]!, fixture.network);
    const parsed = parseSignRequest(request, fixture.network.preset).request;
    const {objectRoot} = computeSigningRoot(parsed, fixture.network);
    const decision = decidePolicy({
      key,
      request: parsed,
      objectRoot,
      network: fixture.network,
      nowMs: Date.now(),
      policy: EMPTY_POLICY,
    });
    expect(decision).to.include({kind: "deny", code: "POLICY_NOT_PERMITTED"});
  });

  it("finds a committee well in which every operator would sign for every key", async () => {
    const seen = await operators(() => READY);
    expect(bad(seen)).to.deep.equal([]);
    expect(seen.operators.every(({keysReady, keys, reachable}) => reachable && keysReady === keys)).to.equal(true);
  });

  it("names an operator that is not connected and why, and says that nobody is to spare", async () => {
    const seen = await operators((id) => (id === 2 ? null : READY));
    expect(bad(seen)).to.deep.equal([
      ["operator 2", "fail", "LINK_REJECTED"],
      ["committee 1", "warn", undefined],
    ]);
  });

  it("tells another committee file, a stopped keeper and silence apart, and that too few are left", async () => {
    const seen = await operators((id) => {
      if (id === 1) return {kind: "refused", code: "KEEPER_COMMITTEE_MISMATCH", message: ""};
      if (id === 2) return {kind: "refused", code: "SLASHING_STORE_FAILED", message: ""};
      return id === 3 ? new PleiadesError({code: "LINK_ABORTED"}) : READY;
    });
    expect(bad(seen)).to.deep.equal([
      ["operator 1", "fail", "KEEPER_COMMITTEE_MISMATCH"],
      ["operator 2", "fail", "SLASHING_STORE_FAILED"],
      ["operator 3", "fail", "LINK_ABORTED"],
      ["committee 1", "fail", undefined],
    ]);
  });

  it("does not take a signature of its probe for health", () => {
    const {committeeHash} = fixture.committee.validators[0]!;
    expect(probeProblem({kind: "signed", committeeHash, partial: new Uint8Array(192)})).to.equal(
      "CLI_DOCTOR_PROBE_SIGNED",
    );
  });

  it("warns when versions differ", async () => {
    const seen = await operators(
      () => READY,
      () => "pleiades/0.9.0",
    );
    expect(bad(seen)).to.deep.equal([["committee 1", "warn", undefined]]);
  });

  it("says whose clock is wrong: an operator's, or this machine's when all of them agree", async () => {
    const version = () => "pleiades/1.0.0";
    const one = await operators(
      () => READY,
      version,
      (id) => (id === 3 ? 900 : -5),
    );
    expect(bad(one)).to.deep.equal([["clock", "warn", "LINK_CLOCK_SKEW"]]);
    const all = await operators(
      () => READY,
      version,
      () => -900,
    );
    expect(bad(all)).to.deep.equal([["clock", "warn", "SIGNER_CLOCK_SKEW"]]);
  });

  it("fails a secret that others may read and a folder that others may change", async () => {
    const file = join(dir, "password");
    await writeFile(file, "secret\n", {mode: 0o600});
    expect((await secretFile("password file", file)).status).to.equal("ok");
    await chmod(file, 0o640);
    const finding = await secretFile("password file", file);
    expect(finding).to.include({status: "fail", action: `chmod 600 ${file}`});
    expect(JSON.stringify(finding)).not.to.include("secret\\n");
    await chmod(dir, 0o777);
    expect((await dataFolder(dir)).map(({status}) => status)).to.include("fail");
    await chmod(dir, 0o700);
  });

  it("makes a finding of whatever a look throws", async () => {
    expect(await look("x", () => Promise.reject(new Error("boom")))).to.deep.include.members([
      failed("x", new Error("boom")),
    ]);
  });

  describe("on a record store", () => {
    const {path, put} = {
      path: () => join(dir, "keeper"),
      put: async (change: (environment: LmdbEnvironment) => Promise<unknown>) => {
        const environment = await LmdbEnvironment.open(join(dir, "keeper"));
        await change(environment);
        await environment.close();
      },
    };
    const examine = (bundles: readonly string[] = []) =>
      keeperStore(path(), {committees: [fixture.committee], bundles});
    const key = () => fixture.committee.validators[0]!.groupPublicKey;

    it("misses a store only when no bundle is named that would make one", async () => {
      expect((await examine()).map(({status}) => status)).to.deep.equal(["fail"]);
      expect((await examine(["bundle.json"])).map(({status}) => status)).to.deep.equal(["ok"]);
    });

    it("misses shares, and does not change the store by looking", async () => {
      await put(async () => {});
      expect((await examine()).map(({status}) => status)).to.deep.equal(["ok", "fail"]);
      expect((await examine(["bundle.json"])).map(({status}) => status)).to.deep.equal(["ok", "warn"]);
    });

    it("finds a share that lost its record, then a key that was exported", async () => {
      await put((environment) =>
        environment.transaction(() => environment.put(environment.shares, key(), Buffer.from("sealed"))),
      );
      expect((await examine()).map(({detail}) => detail).join("\n")).to.match(/share without a record/);
      await put((environment) =>
        new LmdbSlashingStore({environment}).transact(key(), () => ({
          write: {...EMPTY_RECORD, disabled: true},
          result: null,
        })),
      );
      expect((await examine()).map(({detail}) => detail).join("\n")).to.match(/disabled by an export/);
    });

    it("refuses to judge the store of a newer version", async () => {
      await put((environment) =>
        environment.transaction(() =>
          environment.put(environment.meta, "schema", Buffer.from(String(SCHEMA_VERSION + 1))),
        ),
      );
      const [finding] = await examine();
      expect(finding).to.include({
        status: "fail",
        detail: `schema ${SCHEMA_VERSION + 1}, this version knows ${SCHEMA_VERSION}`,
      });
    });
  });
});
