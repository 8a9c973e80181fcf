import {execFileSync, spawnSync} from "node:child_process";
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join, normalize} from "node:path";
import {expect} from "chai";
import {parse} from "yaml";
import {BUILT_IN} from "../../src/app/cli/built-in.js";
import {configSchema} from "../../src/app/config/schema.js";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const defaults = configSchema.parse({network: {name: "mainnet"}, operator: {}, signer: {}});
const OPERATOR_PORT = defaults.operator?.listen[0]?.split("/").at(-1);
const SIGNER_PORT = String(defaults.signer?.port);

const helps = new Map<string, string>();
/** Each costs a process. */
function helpOf(command: string): string {
  const main = join(ROOT, "dist/src/main.js");
  const help = helps.get(command) ?? execFileSync(process.execPath, [main, command, "--help"], {encoding: "utf8"});
  helps.set(command, help);
  return help;
}

/** The words of a command line and the options the command takes, from its own help. */
function expectCommand(words: readonly string[]): void {
  const [command = "", ...rest] = words;
  expect([...BUILT_IN], words.join(" ")).to.include(command);
  for (const option of rest.filter((word) => word.startsWith("--"))) {
    expect(helpOf(command), words.join(" ")).to.include(option);
  }
}

describe("the Dockerfile", () => {
  const lines = read("deploy/docker/Dockerfile")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const instructions = lines.map((line) => {
    const [name = "", ...rest] = line.split(/\s+/);
    return {name, rest};
  });
  const of = (wanted: string) => instructions.filter(({name}) => name === wanted).map(({rest}) => rest);

  it("has only instructions that exist, begins with FROM, and names images with a version", () => {
    const known =
      "ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(" ");
    for (const {name} of instructions) expect(known, name).to.include(name);
    expect(instructions[0]?.name).to.equal("FROM");
    for (const [image = ""] of of("FROM")) expect(image).to.match(/^[a-z]+:\d[\w.-]*$/);
  });

  it("copies what exists, and nothing that its ignore file leaves out", () => {
    const rules = read("deploy/docker/Dockerfile.dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"));
    const stages = of("FROM").flatMap(([, , name]) => (name === undefined ? [] : [name]));
    for (const words of of("COPY")) {
      const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
      if (from !== undefined) {
        expect(stages).to.include(from);
        continue;
      }
      for (const source of words.slice(0, -1)) {
        expect(existsSync(join(ROOT, source)), source).to.equal(true);
        expect(rules, source).to.include(`!${source}`);
      }
    }
  });

  it("installs from the lock file, without what only development needs, and does not run as root", () => {
    const runs = of("RUN").map((words) => words.join(" "));
    expect(runs.filter((run) => /npm (?:i|install|add)\b/.test(run))).to.deep.equal([]);
    expect(runs.some((run) => run.startsWith("npm ci --omit=dev"))).to.equal(true);
    const user = of("USER").at(-1)?.[0] ?? "";
    expect(user).to.match(/^[1-9]\d*:[1-9]\d*$/);
    // Whatever comes after it runs or is owned as that user.
    const after = instructions.slice(instructions.findLastIndex(({name}) => name === "USER") + 1);
    expect(after.filter(({name}) => name === "USER" || name === "RUN" || name === "COPY")).to.deep.equal([]);
  });

  it("exposes and checks the ports of the configuration, and starts the program that the package starts", () => {
    expect(of("EXPOSE").flat().sort()).to.deep.equal([SIGNER_PORT, OPERATOR_PORT].sort());
    expect(of("HEALTHCHECK").flat().join(" ")).to.include(`"tcp:${OPERATOR_PORT}"`).and.include(`"tcp:${SIGNER_PORT}"`);
    const bin = JSON.parse(read("package.json")).bin.pleiades;
    expect(JSON.parse(of("ENTRYPOINT").flat().join(""))).to.deep.equal(["node", `/app/${bin}`]);
  });
});

describe("compose.yaml", function () {
  // Two processes start; seconds on a busy machine.
  this.timeout(30_000);
  interface Service {
    readonly command: readonly string[];
    readonly image: string;
    readonly build: {readonly context: string; readonly dockerfile: string};
    readonly volumes: readonly string[];
    readonly secrets: readonly (string | {readonly source: string; readonly target: string})[];
    readonly networks: readonly string[];
    readonly depends_on?: {readonly [name: string]: unknown};
    readonly ports?: readonly string[];
    readonly healthcheck: {readonly test: readonly string[]};
    readonly [key: string]: unknown;
  }
  const file = parse(read("deploy/docker/compose.yaml"), {merge: true}) as {
    readonly [section in "networks" | "volumes"]: {readonly [name: string]: unknown};
  } & {
    readonly services: {readonly [name: string]: Service};
    readonly secrets: {readonly [name: string]: {readonly file: string}};
  };
  const services = Object.entries(file.services);

  it("has four operators and their signer, which waits for them", () => {
    const names = services.map(([name]) => name);
    expect(names).to.deep.equal(["operator-1", "operator-2", "operator-3", "operator-4", "signer"]);
    expect(Object.keys(file.services.signer?.depends_on ?? {})).to.deep.equal(names.slice(0, 4));
  });

  it("gives every service its own folder, volume and secret, all of which are declared", () => {
    const mounted = services.flatMap(([, {volumes}]) => volumes.map((volume) => volume.split(":")[0] ?? ""));
    expect(new Set(mounted).size, "nothing is shared").to.equal(mounted.length);
    const named = mounted.filter((volume) => !volume.startsWith("."));
    expect(named.sort()).to.deep.equal(Object.keys(file.volumes).sort());
    const used = services.flatMap(([, {secrets}]) =>
      secrets.map((one) => (typeof one === "string" ? one : one.source)),
    );
    expect(used.sort()).to.deep.equal(Object.keys(file.secrets).sort());
    for (const [, {networks}] of services)
      for (const network of networks) expect(file.networks).to.have.property(network);
  });

  it("builds the Dockerfile there is, under the version of the package", () => {
    const {version} = JSON.parse(read("package.json"));
    for (const [, {image, build}] of services) {
      expect(image).to.equal(`pleiades:${version}`);
      const context = normalize(join("deploy/docker", build.context));
      expect(existsSync(join(ROOT, context, build.dockerfile))).to.equal(true);
    }
  });

  it("runs commands and options that exist, unprivileged, on a file system that cannot be written", () => {
    for (const [name, service] of services) {
      expectCommand(service.command);
      expect(service.command[0], name).to.equal(name === "signer" ? "signer" : "operator");
      expect(service, name).to.deep.include({read_only: true, cap_drop: ["ALL"], user: "1000:1000", init: true});
      expect(service.security_opt, name).to.deep.equal(["no-new-privileges:true"]);
    }
  });

  it("publishes the signer on loopback only, and checks the ports of the configuration", () => {
    expect(services.flatMap(([, {ports = []}]) => ports)).to.deep.equal([`127.0.0.1:${SIGNER_PORT}:${SIGNER_PORT}`]);
    for (const [name, {healthcheck}] of services) {
      const target = name === "signer" ? `http://127.0.0.1:${SIGNER_PORT}/upcheck` : `tcp:${OPERATOR_PORT}`;
      expect(healthcheck.test.at(-1), name).to.equal(target);
    }
  });
});

describe("systemd units", function () {
  this.timeout(30_000);
  const units = readdirSync(join(ROOT, "deploy/systemd")).filter((name) => name.endsWith(".service"));
  const valuesOf = (unit: string, key: string): string[] =>
    [...read(`deploy/systemd/${unit}`).matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);

  it("start commands with options that exist, from where docs/deploy.md puts the program", () => {
    expect(units).to.deep.equal(["pleiades-operator.service", "pleiades-signer.service"]);
    for (const unit of units) {
      const [program = "", ...words] = valuesOf(unit, "ExecStart")[0]?.split(" ") ?? [];
      expectCommand(words);
      expect(read("docs/deploy.md")).to.include(`--prefix ${program.replace("/bin/pleiades", "")}`);
      expect(words.at(-1)).to.equal(`/var/lib/${valuesOf(unit, "StateDirectory")[0]}/lodestar.config.yaml`);
      const [documentation = ""] = valuesOf(unit, "Documentation");
      const page = documentation.replace(/^file:\/opt\/pleiades\/lib\/node_modules\/pleiades\//, "");
      expect(existsSync(join(ROOT, page)), page).to.equal(true);
    }
  });

  it("run as users that the sysusers file makes, and hand over the credentials that the docs name", () => {
    const users = [...read("deploy/systemd/pleiades.sysusers.conf").matchAll(/^u (\S+)/gm)].map(([, user]) => user);
    expect(units.flatMap((unit) => valuesOf(unit, "User"))).to.deep.equal(users);
    for (const unit of units) {
      const names = valuesOf(unit, "#?LoadCredential").map((value) => value.split(":")[0]);
      expect(names.length).to.be.greaterThan(0);
      for (const name of names) expect(read("docs/deploy.md"), unit).to.include(`credential:${name}`);
    }
  });

  it("do not forbid what the JavaScript engine needs", () => {
    for (const unit of units) expect(valuesOf(unit, "MemoryDenyWriteExecute")).to.deep.equal([]);
  });

  it("are right by systemd's own reading, and well confined", function () {
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) this.skip();
    const dir = mkdtempSync(join(tmpdir(), "pleiades-units-"));
    try {
      for (const unit of units) {
        const copy = join(dir, unit);
        // The program is not installed here; everything else is as it is.
        writeFileSync(copy, read(`deploy/systemd/${unit}`).replace("/opt/pleiades/bin/pleiades", process.execPath));
        const verified = spawnSync("systemd-analyze", ["verify", copy], {encoding: "utf8"});
        expect(verified.stdout + verified.stderr).not.to.match(new RegExp(`${unit}:`));
        expect(verified.status, verified.stderr).to.equal(0);
        const rated = spawnSync("systemd-analyze", ["security", "--offline=yes", copy], {encoding: "utf8"});
        // Older versions cannot rate a file.
        if (rated.status !== 0) continue;
        const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(rated.stdout)?.[1]);
        expect(exposure, "0 is confined, 10 is not").to.be.below(2);
      }
    } finally {
      rmSync(dir, {recursive: true});
    }
  });
});
