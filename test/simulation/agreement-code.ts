/** The machine as it is, and copies of it with one check taken out: what shows that the simulation would miss the check. */
import {cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {pathToFileURL} from "node:url";
import * as machine from "../../src/core/consensus/machine.js";
import * as messages from "../../src/core/consensus/messages.js";
import * as proofs from "../../src/core/consensus/proofs.js";

export interface AgreementCode {
  readonly machine: typeof machine;
  readonly messages: typeof messages;
  readonly proofs: typeof proofs;
}

export const PRODUCT: AgreementCode = {machine, messages, proofs};

export interface Cut {
  /** "it goes wrong when …" */
  readonly when: string;
  /** Seeds from here are tried: the first one that found it, for it may take a thousand. */
  readonly from: number;
  /** In the built files of src/core/consensus; each text must be there exactly once. */
  readonly edits: readonly {
    readonly file: keyof AgreementCode | "quorum";
    readonly from: string;
    readonly to: string;
  }[];
}

export const CUTS: readonly Cut[] = [
  {
    when: "a quorum is one less",
    from: 168,
    edits: [
      {file: "quorum", from: "Math.ceil((n + tolerated(n) + 1) / 2)", to: "Math.ceil((n + tolerated(n) - 1) / 2)"},
    ],
  },
  {
    when: "signatures are not checked",
    from: 1,
    edits: [{file: "proofs", from: "verify(vote.author, signedBytes(id, vote), vote.signature)", to: "true"}],
  },
  {
    when: "neither votes nor digests name the agreement",
    from: 1,
    edits: [
      {file: "messages", from: "value v1\\n$", to: "value v1\\n"},
      {file: "messages", from: "vote v1\\n$", to: "vote v1\\n"},
    ],
  },
  {
    when: "a proposal need not carry what was prepared",
    from: 166,
    edits: [{file: "proofs", from: "const highest = highestPrepared(claims);", to: 'return "free";'}],
  },
  {
    when: "what a proposal says was prepared is not proven",
    from: 873,
    edits: [{file: "proofs", from: "highest.digest && isQuorum(instance, prepares, highest)", to: "highest.digest"}],
  },
  {
    when: "a proposal may carry the round changes of another round",
    from: 491,
    edits: [{file: "proofs", from: "claim.round === round && (", to: "("}],
  },
  {
    when: "a proposal may carry one round change several times",
    from: 1621,
    edits: [{file: "proofs", from: "authors.size === claims.length &&", to: ""}],
  },
  {
    when: "a certificate may carry one vote several times",
    from: 1,
    edits: [{file: "proofs", from: "authors.size === votes.length &&", to: ""}],
  },
  {
    when: "a participant commits without a quorum of prepares",
    from: 1,
    edits: [{file: "machine", from: "if (prepares.length < quorumOf(agreement.n))", to: "if (false)"}],
  },
  {
    when: "a participant does not say what it prepared",
    from: 86,
    edits: [{file: "machine", from: "const { prepared: proof } = state;", to: "const proof = null;"}],
  },
  {
    when: "commits of different rounds count together",
    from: 1,
    edits: [{file: "machine", from: "vote.round} $", to: '""} $'}],
  },
  {
    when: "proposals are not judged",
    from: 53,
    edits: [
      {
        file: "machine",
        from: 'highestPrepared(proposal.claims) === null && judge(proposal.value) !== "valid"',
        to: "false",
      },
    ],
  },
  {
    when: "a restart forgets the votes of its round",
    from: 1,
    edits: [
      {
        file: "machine",
        from: "({ round, said, prepared, decision });",
        to: "({ round, said: [], prepared, decision });",
      },
    ],
  },
  {
    when: "a restart forgets what was prepared",
    from: 2241,
    edits: [
      {
        file: "machine",
        from: "({ round, said, prepared, decision });",
        to: "({ round, said, prepared: null, decision });",
      },
    ],
  },
  {
    when: "a participant speaks before it remembers",
    from: 377,
    edits: [
      {
        file: "machine",
        from: '[{ kind: "persist", memory: memoryOf(state) }, ...effects]',
        to: '[...effects, { kind: "persist", memory: memoryOf(state) }]',
      },
    ],
  },
];

/** Loads a copy with this cut; the copy on disk is gone when it returns. */
export async function cutOut({edits}: Cut): Promise<AgreementCode> {
  const folder = mkdtempSync(join(tmpdir(), "pleiades-agreement-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    cpSync(join(import.meta.dirname, "../../src/core"), join(folder, "core"), {recursive: true});
    const pathOf = (file: string): string => join(folder, "core/consensus", `${file}.js`);
    for (const {file, from, to} of edits) {
      const [before, after, ...more] = readFileSync(pathOf(file), "utf8").split(from);
      if (before === undefined || after === undefined || more.length > 0)
        throw new Error(`not once in ${file}: ${from}`);
      writeFileSync(pathOf(file), `${before}${to}${after}`);
    }
    const load = (file: string) => import(pathToFileURL(pathOf(file)).href);
    return {machine: await load("machine"), messages: await load("messages"), proofs: await load("proofs")};
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}
