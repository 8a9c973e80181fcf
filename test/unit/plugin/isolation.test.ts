import "reflect-metadata";
import {expect} from "chai";
import {type DependencyContainer, container as globalContainer} from "tsyringe";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {PLUGIN_TOKENS, type Plugin} from "../../../src/plugin/contract.js";
import {createPluginContainer, loadPlugins} from "../../../src/plugin/host.js";
import {commandIo} from "../../support/command-io.js";
import {pathsTo} from "./reachable.js";
import {attestationContext, FIXTURES, NODE, plugin} from "./support.js";

/** Stand-ins for what a plugin must not get hold of, registered as an application would. */
class Secret {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

function application() {
  const secrets = {vault: new Secret("key vault"), store: new Secret("slashing store"), keeper: new Secret("keeper")};
  const app = globalContainer.createChildContainer();
  for (const [token, secret] of Object.entries(secrets)) app.registerInstance(token, secret);
  app.registerInstance(Secret, secrets.vault);
  // The application logs and tells the time through objects of its own that also know the rest of it.
  const logger = Object.assign(new MemoryLogger(), {owner: secrets.keeper});
  const clock = Object.assign(new ManualClock(5_000), {owner: secrets.store});
  return {app, secrets, logger, clock, targets: new Set<object>([...Object.values(secrets), app, logger, clock])};
}

/** A plugin that keeps everything it is ever given. */
function collector(name: string, taken: unknown[], also: (container: DependencyContainer) => void = () => {}): Plugin {
  const keep = (...given: unknown[]) => void taken.push(...given);
  return plugin(
    name,
    {},
    {
      register: (container, config) => {
        keep(container, config);
        also(container);
        return {
          vetoes: [
            (context) => {
              keep(context);
              return null;
            },
          ],
          observers: [keep],
          routes: [
            {
              method: "POST",
              path: "",
              handler: async (request) => {
                keep(request);
                return {status: 204, contentType: "text/plain", body: ""};
              },
            },
          ],
          commands: [
            {
              name,
              describe: "x",
              options: {},
              run: async (args, io) => {
                keep(args, io);
                return 0;
              },
            },
          ],
        };
      },
      start: async (context) => keep(context),
    },
  );
}

async function hostOf(app: ReturnType<typeof application>, ...plugins: Plugin[]) {
  const container = createPluginContainer({logger: app.logger, clock: app.clock, node: {...NODE, ...app.secrets}});
  return loadPlugins(
    plugins.map(({name}) => ({name, config: {some: "config"}})),
    {container, logger: app.logger, baseDir: FIXTURES, builtins: plugins},
  );
}

const ownTokens = (container: DependencyContainer): unknown[] => {
  const {_registry} = container as unknown as {_registry: {_registryMap: Map<unknown, unknown>}};
  return [..._registry._registryMap.keys()];
};
const parentOf = (container: DependencyContainer): DependencyContainer | undefined =>
  (container as unknown as {parent?: DependencyContainer}).parent;

describe("what a plugin can reach", () => {
  it("is nothing of the application: no vault, store or keeper from anything it is given", async () => {
    const app = application();
    const taken: unknown[] = [];
    const host = await hostOf(app, collector("collector", taken));
    host.veto!(attestationContext());
    host.observer({kind: "store-committed", records: 1, durationMs: 1});
    await host.routes[0]!.handler({query: {}, headers: {}, body: null});
    await host.commands[0]!.run({}, commandIo());
    // container, config, veto context, event, request, start context, arguments, io
    expect(taken).to.have.length(8);
    expect([...pathsTo(taken, app.targets)]).to.deep.equal([]);
  });

  it("would be noticed by this test if it were more", () => {
    const {app, secrets, targets} = application();
    for (const start of [app, app.createChildContainer(), {deep: new Map([["x", new Set([app])]])}]) {
      const found = pathsTo(start, targets);
      for (const secret of Object.values(secrets)) expect(found.get(secret)).to.be.a("string");
    }
  });

  it("is, by tokens, exactly logger, clock and public configuration, up to the empty global container", async () => {
    const app = application();
    const taken: unknown[] = [];
    await hostOf(app, collector("collector", taken));
    const own = taken[0] as DependencyContainer;
    expect(ownTokens(own)).to.deep.equal([PLUGIN_TOKENS.logger]);
    const parent = parentOf(own)!;
    expect(ownTokens(parent)).to.have.members(Object.values(PLUGIN_TOKENS));
    const root = parentOf(parent)!;
    expect(root).to.equal(globalContainer);
    expect(ownTokens(root)).to.deep.equal([]);
    expect(parentOf(root)).to.equal(undefined);
    expect(own.resolve(PLUGIN_TOKENS.node)).to.deep.equal(NODE);
    for (const token of ["vault", "store", "keeper"]) {
      expect(own.isRegistered(token, true)).to.equal(false);
      expect(() => own.resolve(token)).to.throw("unregistered");
    }
    expect(own.isRegistered(Secret, true)).to.equal(false);
  });

  it("does not include what another plugin registered", async () => {
    const app = application();
    const taken: unknown[] = [];
    const mine = new Secret("of the first plugin");
    const first = collector("first", [], (container) => void container.registerInstance("mine", mine));
    await hostOf(app, first, collector("second", taken));
    expect([...pathsTo(taken, new Set([mine]))]).to.deep.equal([]);
    expect((taken[0] as DependencyContainer).isRegistered("mine", true)).to.equal(false);
  });

  it("does not let it change the logger or the clock of others", async () => {
    const app = application();
    const taken: unknown[] = [];
    await hostOf(app, collector("collector", taken));
    const own = taken[0] as DependencyContainer;
    for (const token of Object.values(PLUGIN_TOKENS)) {
      for (const container of [own, parentOf(own)!]) expect(Object.isFrozen(container.resolve(token))).to.equal(true);
    }
    const clock = own.resolve<{now(): number}>(PLUGIN_TOKENS.clock);
    expect(() => Object.assign(clock, {now: () => 0})).to.throw("read only");
    expect(clock.now()).to.equal(5_000);
  });
});
