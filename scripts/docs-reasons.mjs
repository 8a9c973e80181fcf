// Writes docs/reasons.md from the table of reasons in the built code: `node scripts/docs-reasons.mjs` after a build.
// With --check it writes nothing and fails when the file is out of date.
import {readFileSync, writeFileSync} from "node:fs";
import {resolve} from "node:path";
import {fileURLToPath} from "node:url";

const ROOT = resolve(import.meta.dirname, "..");

/** What the codes of an area are about, by the codes' first word. An area that is not here gets its name alone. */
const AREAS = {
  CODEC: ["Input", "What a client, a file or a peer sent cannot be read."],
  POLICY: [
    "Policy",
    "What an operator refuses to sign whatever it signed before. Decided before anything is recorded.",
  ],
  SLASHING: ["Slashing protection", "What an operator's record forbids, and what went wrong with the record itself."],
  KEEPER: ["Keeper", "The process that holds shares and records."],
  THRESHOLD: ["Threshold signatures", "Partial signatures and their combination."],
  COMMITTEE: ["Committee", "Committee files, and what the committee as a whole could not do."],
  CONSENSUS: ["Agreement", "Votes by which operators agree on one value."],
  LINK: ["Links between nodes", "What went wrong between the signer and an operator."],
  OPERATOR: ["Operator node", "What an operator answers before its keeper is asked."],
  HTTP: ["HTTP", "The remote signer's server."],
  DISTRIBUTED: [
    "Distributed profile",
    "What an operator answers a coordinator that speaks the standard's distributed profile.",
  ],
  CONFIG: ["Configuration", "lodestar.config.yaml and the files it names. Each stops the start."],
  CLI: ["Command line", "Commands and their options."],
  SPLIT: ["Splitting keys", "`pleiades split` and share bundles."],
  DEPOSIT: ["Deposits", "Deposit data, and the change of a 0x00 withdrawal credential to an address."],
  EXIT: ["Exits", "`pleiades exit`."],
  ESCROW: ["Exits in escrow", "`pleiades escrow`."],
  PLUGIN: ["Plugins", "Plugins of this node."],
  PEER: ["Messages between plugins", "What plugins of different operators have to say to each other."],
  CONTROL: ["Control socket", "Commands that talk to the running operator of the same configuration."],
  SIGNER: ["Signer", "What the signer learns of itself."],
  TLS: ["TLS", "Certificates and keys of this node's listeners."],
  VALIDATOR: ["Validator client in process", "`pleiades validator`."],
  INTERNAL: ["Unknown", "A failure without a code of its own."],
};

const FAULTS = {
  caller: "the caller",
  configuration: "this node's configuration",
  operator: "another operator",
  network: "the network",
  environment: "the machine",
  nobody: "nobody",
  bug: "Pleiades",
};

const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** The whole page. `reasons` is REASONS of src/core/reasons. */
export function renderReasons(reasons) {
  const areas = new Map(Object.keys(AREAS).map((area) => [area, []]));
  for (const [code, reason] of Object.entries(reasons)) {
    const area = code.split("_", 1)[0];
    if (!areas.has(area)) areas.set(area, []);
    areas.get(area).push([code, reason]);
  }
  const sections = [...areas]
    .filter(([, rows]) => rows.length > 0)
    .map(([area, rows]) => {
      const [title, about] = AREAS[area] ?? [area.charAt(0) + area.slice(1).toLowerCase(), ""];
      const table = rows.map(
        ([code, {fault, meaning, action}]) => `| \`${code}\` | ${cell(meaning)} | ${FAULTS[fault]} | ${cell(action)} |`,
      );
      const head = ["| code | meaning | at fault | what to do |", "|---|---|---|---|"];
      return [`## ${title}`, "", ...(about === "" ? [] : [about, ""]), ...head, ...table].join("\n");
    });
  const intro = [
    "# Reasons",
    "",
    "Every refusal and every error has a code. Codes are part of the interface: a code keeps its meaning, and one that is",
    "no longer used is not given another. Answers over HTTP and log lines carry them as `code`.",
    "",
    "This page is written by `node scripts/docs-reasons.mjs` from `src/core/reasons`; change it there.",
  ];
  return `${[intro.join("\n"), ...sections].join("\n\n")}\n`;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const {REASONS} = await import("../dist/src/core/reasons/index.js");
  const path = resolve(ROOT, "docs/reasons.md");
  const page = renderReasons(REASONS);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, page);
    process.stdout.write(`docs/reasons.md: ${Object.keys(REASONS).length} codes\n`);
  } else if (readFileSync(path, "utf8") !== page) {
    process.stderr.write("docs/reasons.md is out of date: run node scripts/docs-reasons.mjs\n");
    process.exitCode = 1;
  }
}
