import {createHash} from "node:crypto";
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {parse as parseYaml, stringify as yamlText} from "yaml";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {parseConfig} from "../../../src/app/config/load.js";
import {checkMembers, readMembersFile} from "../../../src/app/split/operators.js";
import {parseOperatorId, parsePubkeyHex} from "../../../src/core/bytes.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {readShape} from "../../../src/core/committee/file-shape.js";
import {parseInterchange} from "../../../src/core/slashing/interchange.js";
import {openShareBundle, sealShareBundle} from "../../../src/keeper/bundle.js";
import {parseKeeperInit} from "../../../src/keeper/init.js";
import {deriveKey, seal} from "../../../src/keeper/seal.js";
import {Secret} from "../../../src/keeper/secret.js";
import {publicKeyOf, testDraft, testKey} from "../committees.js";
import {KeeperFixture} from "../keeper.js";
import {LONG_NETWORK} from "../kill/duties.js";
import type {Seeded} from "../seeded.js";
import {sharedDir} from "../shared.js";
import {type Json, jsonText, mutateBytes, mutateJson, mutateText} from "./mutate.js";
import {type FuzzTarget, insist, outcomeOf} from "./target.js";

const ROOT = join(import.meta.dirname, "../../../..");

/** A parser of texts, with good texts to start from. */
export function parserTarget({
  corpus,
  mutate,
  parse,
}: {
  corpus: readonly string[];
  mutate: (text: string, random: Seeded) => string | Promise<string>;
  parse: (text: string) => unknown;
}): FuzzTarget {
  return {
    input: (random) => {
      const text = random.pick(corpus);
      if (random.chance(0.1)) return mutateBytes(Buffer.from(text), random);
      return Buffer.from(mutate(text, random) as string);
    },
    run: (input) => outcomeOf(() => parse(input.toString("utf8"))),
    healthy: async () => {
      for (const text of corpus) insist((await outcomeOf(() => parse(text))) === "ok", "a good text is refused");
    },
    close: async () => {},
  };
}

export const mutateJsonText = (text: string, random: Seeded): string =>
  jsonText(mutateJson(JSON.parse(text) as Json, random), random);

/** YAML both ways: changes of the data, and of the text with what only YAML has. */
function mutateYaml(text: string, random: Seeded): string {
  if (random.chance(0.5)) return yamlText(mutateJson(parseYaml(text) as Json, random));
  const lines = text.split("\n");
  const at = random.int(0, lines.length);
  const extra = ["a: &x [1]", "b: *x", "? [a]", "<<: {a: 1}", "- ", "\t", "!!binary 5", "...", "---", bomb(random)];
  if (random.chance(0.4)) lines.splice(at, 0, random.pick(extra));
  return mutateText(lines.join("\n"), random);
}

/** Aliases of aliases: a few lines that would become millions of values. */
function bomb(random: Seeded): string {
  const depth = random.int(2, 9);
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < depth; i++) {
    lines.push(`a${i}: &a${i} [${Array.from({length: 9}, () => `*a${i - 1}`).join(", ")}]`);
  }
  return lines.join("\n");
}

const draft = (keys: number, n: number) =>
  testDraft(
    Array.from({length: keys}, (_, i) => testKey(i + 1, {n})),
    {n},
  );

export function committeeFileTarget(): FuzzTarget {
  const corpus = [1, 2].map((keys) => formatCommitteeFile(draft(keys, keys === 1 ? 4 : 7), blstGroup));
  return parserTarget({
    corpus,
    // Half of the time with a checksum that is right again, or no change would be looked at.
    mutate: (text, random) => {
      const changed = mutateJsonText(text, random);
      return random.chance(0.6) ? (withChecksum(changed) ?? changed) : changed;
    },
    parse: (text) => parseCommitteeFile(text, blstGroup),
  });
}

/** The same file with the checksum it should have; null when it has not the shape of a committee file. */
function withChecksum(text: string): string | null {
  try {
    const {content} = readShape(text);
    const canonical = JSON.stringify({
      version: 1,
      generation: content.generation,
      genesis_validators_root: content.genesisValidatorsRoot,
      threshold: content.threshold,
      ...(content.unsafeThreshold ? {unsafe_threshold: true} : {}),
      operators: content.operators.map(({id, peerId}) => ({id, peer_id: peerId, addresses: []})),
      coordinators: content.coordinators,
      validators: content.validators.map(({groupPublicKey, sharePublicKeys}) => ({
        group_public_key: groupPublicKey,
        share_public_keys: sharePublicKeys,
      })),
    });
    const checksum = createHash("sha256").update("pleiades committee file v1\n").update(canonical).digest("hex");
    return JSON.stringify({...JSON.parse(text), checksum: `0x${checksum}`});
  } catch {
    return null;
  }
}

const PASSWORD = "correct horse";
const KDF = {n: 2, r: 1, p: 1};

export async function bundleTarget(): Promise<FuzzTarget> {
  const key = testKey(1, {n: 4});
  const text = await sealShareBundle(
    {
      operatorId: parseOperatorId(1),
      createdAt: 1_700_000_000_000,
      bundleId: "ab".repeat(16),
      records: new Map([[publicKeyOf(key.secret), {block: null, attestation: null, disabled: false}]]),
      shares: [{groupPublicKey: parsePubkeyHex(publicKeyOf(key.secret)), secret: new Secret(key.shares[0]!.secret)}],
    },
    PASSWORD,
    KDF,
  );
  const envelope = JSON.parse(text) as {
    kdf: {salt: string};
    operator_id: number;
    created_at: number;
    bundle_id: string;
  };
  const sealKey = await deriveKey(PASSWORD, Buffer.from(envelope.kdf.salt, "hex"), KDF);
  const context = `pleiades-share-bundle v1\n${envelope.operator_id}\n${envelope.created_at}\n${envelope.bundle_id}`;
  const inside: Json = {
    records: {
      [publicKeyOf(key.secret)]: {
        block: {slot: "5", signing_root: `0x${"11".repeat(32)}`},
        attestation: {source: "1", target: "2", signing_root: null},
        disabled: false,
      },
    },
    shares: [{group_public_key: publicKeyOf(key.secret), share: "11".repeat(32)}],
  };
  return parserTarget({
    corpus: [text],
    // Whoever splits keys knows the password: half of the time the damage is inside the seal.
    mutate: (good, random) => {
      if (random.chance(0.05)) return withKdf(good, random);
      if (random.chance(0.5)) return mutateJsonText(good, random);
      const sealed = seal(sealKey, Buffer.from(jsonText(mutateJson(inside, random), random)), context);
      return JSON.stringify({...envelope, sealed: sealed.toString("base64")});
    },
    parse: (bundle) => openShareBundle(bundle, PASSWORD),
  });
}

/** Costs at the edges of what scrypt and our bound allow; the most costly of what passes takes seconds. */
function withKdf(text: string, random: Seeded): string {
  const bundle = JSON.parse(text) as {kdf: {n: number; r: number; p: number}};
  bundle.kdf.n = 2 ** random.int(0, random.chance(0.9) ? 12 : 30);
  bundle.kdf.r = 2 ** random.int(0, random.chance(0.9) ? 4 : 24);
  bundle.kdf.p = random.int(0, 5);
  return JSON.stringify(bundle);
}

export function operatorsFileTarget(): FuzzTarget {
  const folder = mkdtempSync(join(tmpdir(), "pleiades-fuzz-"));
  const file = join(folder, "operators.yaml");
  const {operators, coordinators} = draft(1, 4);
  const base = parserTarget({
    corpus: [yamlText({operators, coordinators}), yamlText({operators: operators.slice(0, 1), coordinators})],
    mutate: mutateYaml,
    parse: async (text) => {
      writeFileSync(file, text);
      checkMembers(await readMembersFile(file));
    },
  });
  return {...base, close: async () => rmSync(folder, {recursive: true, force: true})};
}

export function configTarget(): FuzzTarget {
  const template = readFileSync(join(ROOT, "lodestar.config.yaml"), "utf8");
  const corpus = [
    template,
    yamlText({
      dataDir: "./data",
      network: {name: "hoodi"},
      node: {keyFile: "./node.key"},
      committees: ["committee.json"],
      signer: {host: "127.0.0.1", port: 9000},
      plugins: {metrics: {}},
    }),
  ];
  return parserTarget({corpus, mutate: mutateYaml, parse: (text) => parseConfig(text, "lodestar.config.yaml")});
}

export function interchangeTarget(): FuzzTarget {
  const small = {
    metadata: {interchange_format_version: "5", genesis_validators_root: `0x${"11".repeat(32)}`},
    data: [
      {
        pubkey: `0x${"ab".repeat(48)}`,
        signed_blocks: [{slot: "81952", signing_root: `0x${"22".repeat(32)}`}, {slot: "81951"}],
        signed_attestations: [{source_epoch: "2290", target_epoch: "3007", signing_root: `0x${"33".repeat(32)}`}],
      },
    ],
  };
  return parserTarget({
    corpus: [JSON.stringify(small), ...interchangeVectors()],
    mutate: mutateJsonText,
    parse: parseInterchange,
  });
}

/** The interchange files inside the EIP's own test vectors, where they are at hand. */
function interchangeVectors(): string[] {
  const shared = sharedDir();
  if (shared === null) return [];
  const folder = join(shared, "vectors/eip3076-interchange-tests/tests/generated");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const {steps} = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
        steps: {should_succeed: boolean; interchange: unknown}[];
      };
      return steps.filter(({should_succeed}) => should_succeed).map(({interchange}) => JSON.stringify(interchange));
    });
}

export function keeperInitTarget(): FuzzTarget {
  const fixture = new KeeperFixture({network: LONG_NETWORK});
  const policy = {permits: [], registration: {default: null, byKey: {}}, genericDomainTypes: []};
  const good = fixture.init({bundleFiles: ["/bundle.json"], policy});
  const target = parserTarget({
    corpus: [JSON.stringify(good)],
    mutate: mutateJsonText,
    // It comes as a value over the channel: a text that is no JSON stands for a value that is no object.
    parse: (text) => {
      let value: unknown = text;
      try {
        value = JSON.parse(text);
      } catch {}
      return parseKeeperInit(value);
    },
  });
  return {...target, close: () => fixture.close()};
}
