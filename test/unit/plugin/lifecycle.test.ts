import {expect} from "chai";
import {MemoryPeerNetwork} from "../../../src/adapters/peer-messages/memory.js";
import {type PeerIdText, parsePeerIdText} from "../../../src/core/bytes.js";
import {PleiadesError} from "../../../src/core/errors.js";
import type {Plugin} from "../../../src/plugin/contract.js";
import {pathsTo} from "./reachable.js";
import {bench, NODE, plugin, rejection, turns} from "./support.js";

/** Plugins that write down what happens to them. */
function noted(log: string[]) {
  return (name: string, rest: Partial<Plugin> = {}) =>
    plugin(
      name,
      {},
      {
        start: async () => void log.push(`start ${name}`),
        stop: async () => void log.push(`stop ${name}`),
        ...rest,
      },
    );
}

describe("the life of plugins", () => {
  it("starts in dependency order and stops in reverse, each once however often it is asked", async () => {
    const log: string[] = [];
    const make = noted(log);
    const host = await bench().host(make("c", {dependsOn: ["a", "b"]}), make("a"), make("b", {dependsOn: ["a"]}));
    expect(log).to.deep.equal([]);
    await Promise.all([host.start(), host.start()]);
    await Promise.all([host.stop(), host.stop()]);
    await host.stop();
    expect(log).to.deep.equal(["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
  });

  it("waits for one start before the next", async () => {
    const log: string[] = [];
    const make = noted(log);
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const host = await bench().host(make("slow", {start: () => gate}), make("next"));
    const starting = host.start();
    await turns();
    expect(log).to.deep.equal([]);
    open();
    await starting;
    expect(log).to.deep.equal(["start next"]);
  });

  it("gives a plugin what its node offers it, as a port of its own that passes on nothing but what a port may", async () => {
    const network = new MemoryPeerNetwork();
    const {host: load, clock, logger} = bench();
    const [self, other] = ["1", "2"].map((digit) => parsePeerIdText(`12D3KooW${digit.repeat(44)}`)) as [
      PeerIdText,
      PeerIdText,
    ];
    const inner = network.join(self, {clock, logger});
    const contexts: Parameters<NonNullable<Plugin["start"]>>[0][] = [];
    const start = async (context: (typeof contexts)[number]) => void contexts.push(context);
    const host = await load(plugin("one", {}, {start}), plugin("two"));
    const asked: string[] = [];
    await host.start(async (name) => {
      asked.push(name);
      return {peers: inner, dataDir: `/data/${name}`};
    });
    // A plugin that does not start gets no folder.
    expect(asked).to.deep.equal(["one"]);
    const {peers, dataDir} = contexts[0]!;
    expect(dataDir).to.equal("/data/one");
    expect([...pathsTo(peers, new Set([inner, network]))]).to.deep.equal([]);
    peers!.setPeers([{peerId: other, addresses: []}]);
    expect(inner.peers().map(({peerId}) => peerId)).to.deep.equal([other]);
    const odd = "me" as PeerIdText;
    expect(() => peers!.setPeers([{peerId: odd, addresses: []}]))
      .to.throw(PleiadesError)
      .with.property("code", "CODEC_PEER_ID");
    expect(() => peers!.setPeers([{peerId: other, addresses: "x" as unknown as string[]}])).to.throw(TypeError);
    expect(
      (await peers!.send(other, "x" as unknown as Uint8Array).catch((error) => error)) instanceof TypeError,
    ).to.equal(true);
  });

  it("gives a plugin the services of those it depends on, and of no others", async () => {
    const {host: load} = bench();
    const service = {answer: () => 42};
    let use: ((name: string) => object) | undefined;
    const start = async (context: {use(name: string): object}) => {
      use = (name) => context.use(name);
    };
    const user = plugin("user", {}, {dependsOn: ["base", "silent"], start});
    const host = await load(user, plugin("base", {service}), plugin("silent"), plugin("stranger", {service}));
    await host.start();
    expect(use!("base")).to.equal(service);
    for (const name of ["silent", "stranger", "nobody", "user"]) {
      await rejection("PLUGIN_SERVICE_MISSING", () => use!(name));
    }
  });

  it("does not start a plugin whose node could not offer what it should", async () => {
    const {host: load} = bench();
    const host = await load(plugin("one", {}, {start: async () => undefined}));
    const error = await rejection("PLUGIN_START_FAILED", () =>
      host.start(async () => {
        throw new Error("EACCES: no folder");
      }),
    );
    expect(error.data.reason).to.contain("EACCES");
  });

  it("gives a plugin a logger with its name, the clock, the public configuration and a signal", async () => {
    const {host: load, logger, clock} = bench();
    let context: Parameters<NonNullable<Plugin["start"]>>[0] | undefined;
    const host = await load(
      plugin(
        "one",
        {},
        {
          start: async (given) => {
            context = given;
          },
        },
      ),
    );
    await host.start();
    expect(Object.keys(context!).sort()).to.deep.equal(["clock", "logger", "node", "signal", "use"]);
    expect(context!.node).to.deep.equal(NODE);
    expect(context!.clock.now()).to.equal(clock.now());
    context!.logger.info("hello");
    expect(logger.lines.at(-1)).to.deep.equal({level: "info", message: "hello", fields: {plugin: "one"}});
    expect(context!.signal.aborted).to.equal(false);
    await host.stop();
    expect(context!.signal.aborted).to.equal(true);
  });

  it("stops what was started, the failing plugin included, when a start fails", async () => {
    const log: string[] = [];
    const make = noted(log);
    const start = async () => {
      throw new Error("port taken");
    };
    const host = await bench().host(make("a"), make("b"), make("bad", {start}), make("never"));
    const error = await rejection("PLUGIN_START_FAILED", () => host.start());
    expect(error.data).to.include({plugin: "bad", reason: "port taken"});
    expect(log).to.deep.equal(["start a", "start b", "stop bad", "stop b", "stop a"]);
    await host.stop();
    expect(log).to.have.length(5);
  });

  it("gives up on a start that hangs, and ignores what becomes of it later", async () => {
    const log: string[] = [];
    const make = noted(log);
    const {host: load, clock} = bench();
    let fail = (_: Error) => {};
    const hangs = () =>
      new Promise<void>((_, reject) => {
        fail = reject;
      });
    const host = await load(make("a"), make("hangs", {start: hangs}));
    const failed = rejection("PLUGIN_START_TIMEOUT", () => host.start());
    await turns();
    clock.advance(30_000);
    expect((await failed).data.plugin).to.equal("hangs");
    expect(log).to.deep.equal(["start a", "stop hangs", "stop a"]);
    fail(new Error("too late"));
    await turns();
    expect(clock.pending()).to.equal(0);
  });

  it("stops the others although one throws or hangs while stopping", async () => {
    const log: string[] = [];
    const make = noted(log);
    const {host: load, clock, logger} = bench();
    const stop = () => {
      throw new Error("cannot");
    };
    const host = await load(make("a"), make("throws", {stop}), make("hangs", {stop: () => new Promise(() => {})}));
    await host.start();
    const stopping = host.stop();
    await turns();
    clock.advance(5_000);
    await stopping;
    expect(log.at(-1)).to.equal("stop a");
    const warned = logger.lines.filter(({fields}) => fields.code === "PLUGIN_STOP_FAILED");
    expect(warned.map(({fields}) => fields.plugin)).to.deep.equal(["hangs", "throws"]);
  });

  it("stops in bounded time while a start hangs, and starts nothing more", async () => {
    const log: string[] = [];
    const make = noted(log);
    const {host: load, clock} = bench();
    let release = () => {};
    const start = () =>
      new Promise<void>((resolve) => {
        release = resolve;
      });
    const host = await load(make("a"), make("slow", {start}), make("never"));
    const starting = host.start();
    await turns();
    const stopping = host.stop();
    clock.advance(5_000);
    await stopping;
    expect(log).to.deep.equal(["start a", "stop slow", "stop a"]);
    release();
    await starting;
    expect(log).to.have.length(3);
    expect(clock.pending()).to.equal(0);
  });

  it("stops nothing that was never started", async () => {
    const log: string[] = [];
    const host = await bench().host(noted(log)("a"));
    await host.stop();
    await host.start();
    expect(log).to.deep.equal([]);
  });

  it("disposes what a plugin's container built, once", async () => {
    let disposed = 0;
    class Resource {
      dispose() {
        disposed++;
      }
    }
    const one: Plugin = plugin(
      "one",
      {},
      {
        register: (container) => {
          container.registerSingleton("resource", Resource);
          container.resolve("resource");
          return {};
        },
      },
    );
    const host = await bench().host(one);
    await host.start();
    await host.stop();
    await host.stop();
    expect(disposed).to.equal(1);
  });
});
