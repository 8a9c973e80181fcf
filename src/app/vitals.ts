import type {Clock} from "../ports/clock.js";
import type {Keeper} from "../ports/keeper.js";
import type {Observer} from "../ports/observer.js";
import type {SigningService} from "../ports/signing-service.js";

/** Three samples for each of the 15 s in which Prometheus usually asks. */
const SAMPLE_MS = 5_000;

interface Modules {
  readonly clock: Pick<Clock, "after">;
  readonly observer: Observer;
}

/** Tells observers at once, and again every few seconds, how a signer's committees and its queue are. Returns its end. */
export function sampleSigner(
  {clock, observer}: Modules,
  service: Pick<SigningService, "health">,
  load: () => {running: number; waiting: number},
): () => Promise<void> {
  return repeat(clock, () => observer({kind: "signer-sampled", committees: service.health(), ...load()}));
}

/** The same of an operator's keeper. One that does not answer in time counts as not signing. */
export function sampleKeeper({clock, observer}: Modules, keeper: Pick<Keeper, "status">): () => Promise<void> {
  return repeat(clock, async (ended) => {
    const {signing, keys, queued} = await keeper.status().catch(() => ({signing: false, keys: 0, queued: 0}));
    if (!ended()) observer({kind: "keeper-sampled", signing, waiting: queued, keys});
  });
}

function repeat(
  clock: Pick<Clock, "after">,
  sample: (ended: () => boolean) => void | Promise<void>,
): () => Promise<void> {
  let ended = false;
  let cancel = (): void => {};
  const next = async (): Promise<void> => {
    await sample(() => ended);
    if (!ended) cancel = clock.after(SAMPLE_MS, () => void next());
  };
  void next();
  return async () => {
    ended = true;
    cancel();
  };
}
