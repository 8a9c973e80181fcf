import {expect} from "chai";
import {PleiadesError} from "../../../src/core/errors.js";
import type {Command, Contributions, Plugin, RouteContribution, Veto} from "../../../src/plugin/contract.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";
import type {VetoGate} from "../../../src/ports/veto.js";
import {commandIo} from "../../support/command-io.js";
import {attestationContext, bench, KEY, plugin, rejection, turns} from "./support.js";

const command = (name: string, run: Command["run"] = async () => 0): Command => ({
  name,
  describe: "x",
  options: {},
  run,
});
const route = (path: string, handler = async () => ({status: 200, contentType: "text/plain", body: "ok"})) =>
  ({method: "GET", path, handler}) as const;
const io = commandIo();

describe("contributions", () => {
  it("are refused when they are not what the contract says", async () => {
    const option = (options: object) => ({commands: [{...command("go"), options}]});
    const wrong: unknown[] = [
      null,
      7,
      [],
      {permits: []},
      {vetoes: "no"},
      {vetoes: [{}]},
      {observers: [null]},
      {routes: [null]},
      {routes: [route("/../up")]},
      {routes: [route("x")]},
      {routes: [route("/x/")]},
      {routes: [route("/:id")]},
      {routes: [{...route(""), method: "PUT"}]},
      {routes: [{...route(""), handler: 1}]},
      {commands: [null]},
      {commands: [command("Not Kebab")]},
      {commands: [{...command("go"), describe: ""}]},
      {commands: [{...command("go"), run: null}]},
      {commands: [{...command("go"), options: null}]},
      option({help: {type: "boolean", describe: "x"}}),
      option({Camel: {type: "boolean", describe: "x"}}),
      option({x: {type: "object", describe: "x"}}),
      option({x: {type: "string"}}),
      option({x: {type: "string", describe: "x", default: 1}}),
      option({x: {type: "number", describe: "x", choices: [1]}}),
      {committeeSources: [{name: "x"}]},
      {committeeSources: [{committeeFiles: async () => []}]},
    ];
    for (const contributions of wrong) {
      const odd = plugin("odd", {}, {register: () => contributions as Contributions});
      await rejection("PLUGIN_CONTRIBUTION", () => bench().host(odd));
    }
  });

  it("come from a register that is synchronous and does not throw", async () => {
    const late = plugin("late", {}, {register: (async () => ({})) as unknown as Plugin["register"]});
    await rejection("PLUGIN_REGISTER_FAILED", () => bench().host(late));
    const failing = (async () => {
      throw new Error("later");
    }) as unknown as Plugin["register"];
    await rejection("PLUGIN_REGISTER_FAILED", () => bench().host(plugin("late", {}, {register: failing})));
    const register = () => {
      throw new Error("now");
    };
    const error = await rejection("PLUGIN_REGISTER_FAILED", () => bench().host(plugin("now", {}, {register})));
    expect(error.data).to.include({plugin: "now", reason: "now"});
  });

  it("collide when two plugins share a command's first word, or one claims a name of Pleiades", async () => {
    const a = plugin("a", {commands: [command("tool one")]});
    const b = plugin("b", {commands: [command("tool two")]});
    expect((await rejection("PLUGIN_COLLISION", () => bench().host(a, b))).data.with).to.equal("a");
    const reserved = () => bench().load([{name: "a"}], {builtins: [a], reservedCommands: ["split", "tool"]});
    expect((await rejection("PLUGIN_COLLISION", reserved)).data.with).to.equal("pleiades");
    const twice = plugin("a", {commands: [command("tool one"), command("tool one")]});
    await rejection("PLUGIN_COLLISION", () => bench().host(twice));
    const siblings = plugin("a", {commands: [command("tool one"), command("tool two"), command("tool")]});
    expect((await bench().host(siblings)).commands).to.have.length(3);
  });

  it("collide when a plugin has one route twice, but not under different methods", async () => {
    await rejection("PLUGIN_COLLISION", () => bench().host(plugin("a", {routes: [route("/x"), route("/x")]})));
    const post = {...route("/x"), method: "POST"} as const;
    const host = await bench().host(plugin("a", {routes: [route("/x"), post]}), plugin("b", {routes: [route("/x")]}));
    expect(host.routes.map((r) => [r.plugin, r.method, r.path])).to.deep.equal([
      ["a", "GET", "/x"],
      ["a", "POST", "/x"],
      ["b", "GET", "/x"],
    ]);
  });
});

describe("vetoes", () => {
  it("are null when no plugin has one", async () => {
    expect((await bench().host(plugin("quiet"))).veto).to.equal(null);
  });

  it("deny when one of them objects, whatever the others say, and approve only when none does", async () => {
    const calls: string[] = [];
    const approve = () => {
      calls.push("yes");
      return null;
    };
    const yes = plugin("yes", {vetoes: [approve]});
    const no = plugin("no", {vetoes: [({type}) => (type === "ATTESTATION" ? {message: "not today"} : null)]});
    for (const host of [await bench().host(yes, no), await bench().host(no, yes)]) {
      const gate: VetoGate = host.veto!; // as the operator node takes it
      const answer = gate(attestationContext());
      expect(answer).to.deep.equal({kind: "deny", code: "PLUGIN_VETO", plugin: "no", message: "not today"});
    }
    const onlyYes = await bench().host(yes);
    expect(onlyYes.veto!(attestationContext())).to.deep.equal({kind: "approve"});
    expect(calls).to.deep.equal(["yes", "yes"]);
  });

  it("deny when one throws or answers anything but null or a message", async () => {
    const odd: unknown[] = [
      undefined,
      true,
      false,
      "ok",
      0,
      {},
      {message: 1},
      {kind: "approve"},
      [],
      Promise.resolve(null),
    ];
    for (const answer of odd) {
      const host = await bench().host(plugin("odd", {vetoes: [() => answer as null]}));
      expect(host.veto!(attestationContext())).to.include({kind: "deny", code: "PLUGIN_VETO_FAILED", plugin: "odd"});
    }
    const {host, logger} = bench();
    const throwing = await host(
      plugin("bad", {
        vetoes: [
          () => {
            throw new Error("null is not an object");
          },
        ],
      }),
    );
    expect(throwing.veto!(attestationContext())).to.include({kind: "deny", code: "PLUGIN_VETO_FAILED"});
    expect(logger.lines.at(-1)?.fields).to.include({code: "PLUGIN_VETO_FAILED", message: "null is not an object"});
  });

  it("cannot change what the veto after it or the caller sees", async () => {
    const meddler = plugin("meddler", {
      vetoes: [
        (context) => {
          Object.assign(context, {type: "RANDAO_REVEAL"});
          if (context.request.type === "ATTESTATION") {
            context.request.message.target.epoch = 0n;
            context.request.message.target.root.fill(0);
          }
          return null;
        },
      ],
    });
    const seen: unknown[] = [];
    const watch: Veto = (given) => {
      seen.push(given);
      return null;
    };
    const watcher = plugin("watcher", {vetoes: [watch]});
    const context = attestationContext();
    const host = await bench().host(meddler, watcher);
    expect(host.veto!(context)).to.deep.equal({kind: "approve"});
    expect(context).to.deep.equal(attestationContext());
    expect(seen).to.deep.equal([attestationContext()]);
  });

  it("cut long messages, which travel to the client", async () => {
    const host = await bench().host(plugin("long", {vetoes: [() => ({message: "x".repeat(10_000)})]}));
    const answer = host.veto!(attestationContext());
    expect(answer.kind === "deny" && answer.message.length).to.equal(200);
  });
});

describe("observers", () => {
  const event: PleiadesEvent = {
    kind: "request-finished",
    type: "ATTESTATION",
    key: KEY,
    outcome: "ok",
    durationMs: 5,
    signers: [],
    replayed: false,
  };

  it("never hurt a request: throws, rejections and meddling stay with the plugin, and are logged once", async () => {
    const {host, logger} = bench();
    let healthy = 0;
    const plugins = [
      plugin("thrower", {
        observers: [
          () => {
            throw new Error("boom");
          },
        ],
      }),
      plugin("rejecter", {
        observers: [
          async () => {
            throw new Error("later boom");
          },
        ],
      }),
      plugin("meddler", {observers: [(e) => void Object.assign(e, {outcome: "INTERNAL"})]}),
      plugin("healthy", {observers: [(e) => void (e.kind === "request-finished" && e.outcome === "ok" && healthy++)]}),
    ];
    const {observer} = await host(...plugins);
    for (let i = 0; i < 3; i++) observer(event);
    await turns();
    expect(healthy).to.equal(3);
    expect(event.outcome).to.equal("ok");
    const reported = logger.lines.filter(({fields}) => fields.code === "PLUGIN_OBSERVER_FAILED");
    expect(reported.map(({fields}) => fields.plugin)).to.have.members(["thrower", "meddler", "rejecter"]);
  });
});

describe("routes", () => {
  const request = {query: {}, headers: {}, body: null};

  it("answer 500 with a stable code when the handler throws or answers nonsense, and keep its message to the log", async () => {
    const {host, logger} = bench();
    const nonsense: unknown[] = [undefined, null, "ok", {status: 99, contentType: "text/plain", body: ""}];
    nonsense.push(
      {status: 200, contentType: "text/plain\r\nx: y", body: ""},
      {status: 200, contentType: "text/plain", body: 1},
    );
    const handlers = [
      () => Promise.reject(new Error("password is 1234")),
      () => {
        throw new Error("password is 1234");
      },
      ...nonsense.map((answer) => async () => answer),
    ];
    const routes = handlers.map((handler, i) => route(`/r${i}`, handler as () => Promise<never>));
    for (const one of (await host(plugin("odd", {routes}))).routes) {
      const response = await one.handler(request);
      expect(response).to.include({status: 500, contentType: "application/json"});
      expect(JSON.parse(response.body).code).to.equal("PLUGIN_ROUTE_FAILED");
      expect(response.body).not.to.include("1234");
    }
    expect(logger.lines.filter(({fields}) => fields.message === "password is 1234")).to.have.length(2);
  });

  it("answer 500 when the handler does not settle", async () => {
    const {host, clock} = bench();
    const [slow] = (await host(plugin("slow", {routes: [route("", () => new Promise(() => {}))]}))).routes;
    const answer = slow!.handler(request);
    clock.advance(10_000);
    expect((await answer).status).to.equal(500);
    expect(clock.pending()).to.equal(0);
  });

  it("pass good answers through, with the plugin's name beside the path", async () => {
    const {host, clock} = bench();
    const [good] = (await host(plugin("good", {routes: [route("")]}))).routes;
    expect(await good!.handler(request)).to.deep.equal({status: 200, contentType: "text/plain", body: "ok"});
    expect(clock.pending()).to.equal(0);
  });

  it("for the owner alone are kept apart from those of the network, with the same names taken", async () => {
    const {host} = bench();
    const owners = {...route("/mine"), control: true} as const;
    const loaded = await host(plugin("mixed", {routes: [route("/all"), owners]}));
    expect(loaded.routes.map(({path}) => path)).to.deep.equal(["/all"]);
    expect(loaded.controlRoutes.map(({path}) => path)).to.deep.equal(["/mine"]);
    await rejection("PLUGIN_COLLISION", () => host(plugin("twice", {routes: [route("/mine"), owners]})));
    const odd = {...route("/odd"), control: "yes"} as unknown as RouteContribution;
    await rejection("PLUGIN_CONTRIBUTION", () => host(plugin("odd", {routes: [odd]})));
  });

  it("for the owner may answer in lines or with a code; other failures stay in the log", async () => {
    const {host, logger} = bench();
    const handlers = [
      async () => ({lines: (async function* () {})()}),
      async () => {
        throw new PleiadesError({code: "PEER_TIMEOUT"});
      },
      async () => {
        throw new Error("password is 1234");
      },
      async () => ({lines: [1, 2]}) as never,
    ];
    const routes = handlers.map((handler, i) => ({method: "GET", path: `/r${i}`, control: true, handler}) as const);
    const [lines, known, unknown, odd] = (await host(plugin("owners", {routes}))).controlRoutes;
    const asked = {...request, signal: new AbortController().signal};
    expect(await lines!.handler(asked)).to.have.property("lines");
    await rejection("PEER_TIMEOUT", () => known!.handler(asked));
    for (const one of [unknown, odd]) {
      const answer = (await one!.handler(asked)) as {status: number; body: string};
      expect(answer.status).to.equal(500);
      expect(answer.body).to.contain("PLUGIN_ROUTE_FAILED").and.not.to.contain("1234");
    }
    expect(logger.lines.filter(({fields}) => fields.code === "PLUGIN_ROUTE_FAILED")).to.have.length(2);
  });
});

describe("committee sources", () => {
  it("give texts, or fail with a stable code in bounded time", async () => {
    const {host, clock} = bench();
    const answers = [
      async () => ["text"],
      async () => [1] as unknown as string[],
      () => Promise.reject(new Error("gone")),
      () => new Promise<never>(() => {}),
    ];
    const committeeSources = answers.map((committeeFiles, i) => ({name: `s${i}`, committeeFiles}));
    const sources = (await host(plugin("shelf", {committeeSources}))).committeeSources;
    expect(sources.map(({plugin, name}) => `${plugin}/${name}`)).to.deep.equal([
      "shelf/s0",
      "shelf/s1",
      "shelf/s2",
      "shelf/s3",
    ]);
    expect(await sources[0]!.committeeFiles()).to.deep.equal(["text"]);
    await rejection("PLUGIN_SOURCE_FAILED", () => sources[1]!.committeeFiles());
    await rejection("PLUGIN_SOURCE_FAILED", () => sources[2]!.committeeFiles());
    const hanging = rejection("PLUGIN_SOURCE_FAILED", () => sources[3]!.committeeFiles());
    clock.advance(10_000);
    await hanging;
  });
});

describe("commands", () => {
  it("run between the start and the stop of their plugin and its dependencies, and of no other", async () => {
    const log: string[] = [];
    const noted = (name: string, more: Partial<Plugin> = {}, contributions: Contributions = {}) =>
      plugin(name, contributions, {
        start: async () => void log.push(`start ${name}`),
        stop: async () => void log.push(`stop ${name}`),
        ...more,
      });
    const run = async () => {
      log.push("run");
      return 3;
    };
    const tool = noted("tool", {dependsOn: ["base"]}, {commands: [command("tool", run)]});
    const host = await bench().host(noted("other"), tool, noted("base"));
    expect(await host.commands[0]!.run({}, io)).to.equal(3);
    expect(log).to.deep.equal(["start base", "start tool", "run", "stop tool", "stop base"]);
  });

  it("fail with the code of what they let through, and without an operator to talk to with CONTROL_NO_OPERATOR", async () => {
    const failing = (run: Command["run"]) => plugin("tool", {commands: [command("tool", run)]});
    const asks: Command["run"] = async (_, {control}) => Number(await control.ask("GET", "/x"));
    const follows: Command["run"] = async (_, {control}) => {
      for await (const _value of control.follow("GET", "/x")) return 1;
      return 0;
    };
    const throws: Command["run"] = async () => {
      throw new PleiadesError({code: "PEER_TIMEOUT"});
    };
    for (const [run, code] of [
      [asks, "CONTROL_NO_OPERATOR"],
      [follows, "CONTROL_NO_OPERATOR"],
      [throws, "PEER_TIMEOUT"],
    ] as const) {
      const host = await bench().host(failing(run));
      await rejection(code, () => host.commands[0]!.run({}, io));
    }
  });

  it("fail with a stable code and still stop", async () => {
    let stopped = 0;
    const stop = async () => void stopped++;
    const failing = (run: Command["run"]) => plugin("tool", {commands: [command("tool", run)]}, {stop});
    const thrower = async () => {
      throw new Error("no such file");
    };
    for (const run of [thrower, async () => undefined as unknown as number, async () => 1.5]) {
      const host = await bench().host(failing(run));
      const error = await rejection("PLUGIN_COMMAND_FAILED", () => host.commands[0]!.run({}, io));
      expect(error).to.be.instanceOf(PleiadesError);
    }
    expect(stopped).to.equal(3);
  });
});
