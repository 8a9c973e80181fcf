import {parsePeerIdText} from "../../src/core/bytes.js";
import type {PleiadesEvent} from "../../src/ports/observer.js";
import {operatorLinkContract} from "../contract/operator-link.js";
import {FakeOperator} from "../support/link.js";
import {CALM, type Endpoint, SimulatedNetwork, SimulatedOperatorLink} from "./network.js";
import {Process} from "./process.js";
import {Random} from "./random.js";
import {Scheduler} from "./scheduler.js";

const peerIdOf = (n: number) => parsePeerIdText(`12D3KooW${String(n + 1).repeat(44)}`);

operatorLinkContract("simulated", async (count) => {
  const scheduler = new Scheduler();
  scheduler.runFreely();
  const events: PleiadesEvent[] = [];
  const operators = Array.from({length: count}, (_, n) => {
    const fake = new FakeOperator();
    const running: Endpoint["running"] = {process: new Process(scheduler, `${n + 1}`), handler: fake};
    const weather = {...CALM, duplicate: 0};
    return {id: n + 1, peerId: peerIdOf(n + 1), addresses: [`/ip4/127.0.0.1/tcp/${9000 + n}`], fake, weather, running};
  });
  const network = new SimulatedNetwork({scheduler, random: new Random(1)}, operators);
  const process = new Process(scheduler, "signer");
  const link = new SimulatedOperatorLink(
    {network, process, observer: (event) => events.push(event)},
    {self: peerIdOf(0)},
  );
  return {
    link,
    self: peerIdOf(0),
    operators,
    events,
    stop: async (n) => {
      const operator: Endpoint = operators[n]!;
      operator.running?.process.kill();
      operator.running = null;
      network.disconnect(operator);
    },
    start: async (n) => {
      const {fake, id} = operators[n]!;
      const operator: Endpoint = operators[n]!;
      operator.running = {process: new Process(scheduler, `${id} again`), handler: fake};
      network.connect(operator);
    },
    close: () => link.close(),
  };
});
