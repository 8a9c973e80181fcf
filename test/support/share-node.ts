import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {stringify} from "yaml";
import {blstGroup} from "../../src/adapters/bls/blst.js";
import {type Identity, loadOrCreateIdentity} from "../../src/adapters/libp2p/identity.js";
import {runCli} from "../../src/app/cli/run.js";
import {networkSection} from "../../src/app/config/network.js";
import {formatCommitteeFile} from "../../src/core/committee/committee-file.js";
import {testDraft} from "./committees.js";
import type {KeeperFixture} from "./keeper.js";

/** A committee of the fixture's keys whose operators have real node keys. */
export async function realCommittee(
  fixture: KeeperFixture,
  {generation = 0, addresses}: {generation?: number; addresses?: readonly (readonly string[])[]} = {},
) {
  const identities: Identity[] = [];
  for (const id of [1, 2, 3, 4]) identities.push(await loadOrCreateIdentity(join(fixture.folder, `op${id}.key`)));
  const draft = testDraft(fixture.keys, {n: 4});
  const operators = draft.operators.map((operator, i) => ({
    ...operator,
    peerId: identities[i]!.peerId,
    addresses: addresses?.[i] ?? operator.addresses,
  }));
  const text = formatCommitteeFile({...draft, generation, operators}, blstGroup);
  const file = join(fixture.folder, `committee-generation-${generation}.json`);
  writeFileSync(file, text);
  return {identities, text, file};
}

/** The configuration of one operator of it; its data folder is `<dir>/data`. */
export function operatorConfig(
  fixture: KeeperFixture,
  dir: string,
  {id, committees, more = {}}: {id: number; committees: readonly string[]; more?: object},
): string {
  mkdirSync(dir, {recursive: true});
  const file = join(dir, "lodestar.config.yaml");
  const content = {
    dataDir: "./data",
    network: networkSection(fixture.network),
    node: {keyFile: join(fixture.folder, `op${id}.key`)},
    committees,
    operator: {listen: ["/ip4/127.0.0.1/tcp/0"], passwordFile: fixture.passwordFile},
    ...more,
  };
  writeFileSync(file, stringify(content));
  return file;
}

/** Runs a command in this process. */
export async function command(...args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    progress: (line: string) => void err.push(line),
    interactive: false,
  };
  const code = await runCli(args, io);
  return {code, out: out.join("\n"), err: err.join("\n")};
}
