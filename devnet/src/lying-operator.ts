import {join} from "node:path";
import {systemClock} from "../../src/adapters/clock/system.js";
import {readIdentity} from "../../src/adapters/libp2p/identity.js";
import {createLibp2pOperatorLink} from "../../src/adapters/operator-link/libp2p-operator-link.js";
import {createLibp2pOperatorServer} from "../../src/adapters/operator-link/libp2p-operator-server.js";
import {NO_SIGHTINGS} from "../../src/adapters/operator-link/no-sightings.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import {codeOf} from "../../src/core/errors.js";
import {REASONS} from "../../src/core/reasons/index.js";
import type {Logger} from "../../src/ports/logger.js";
import type {OperatorLink, PartialReply, PartialRequest} from "../../src/ports/operator-link.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import {Liar, type Lie} from "./lies.js";

/** A front that the signers take for the operator. */
export interface LyingOperator {
  /** Where the signers are to connect. */
  readonly port: number;
  /** From now on partial signatures are lies of this kind; null: the truth. */
  lie(kind: Lie | "all" | null): void;
  close(): Promise<void>;
}

/**
 * An operator that can lie. It holds the operator's own identity, so that what it says is the operator's word, and hands
 * each request on to the real process, which records and signs; the answer is then distorted. The program under test
 * knows nothing of it: no switch for lies exists outside the devnet.
 */
export async function startLyingOperator(
  {logger}: {logger: Logger},
  options: {
    /** Folders with the node keys. */
    readonly operatorDir: string;
    readonly signerDirs: readonly string[];
    /** Multiaddr of the real operator. */
    readonly address: string;
  },
): Promise<LyingOperator> {
  const identity = await readIdentity(join(options.operatorDir, "node.key"));
  const {peerId} = identity;
  const links = new Map<PeerIdText, OperatorLink>();
  const modules = {logger, clock: systemClock, sightings: NO_SIGHTINGS};
  for (const dir of options.signerDirs) {
    const signer = await readIdentity(join(dir, "node.key"));
    const link = await createLibp2pOperatorLink(
      {...modules, identity: signer, observer: () => {}},
      {software: "devnet"},
    );
    link.setPeers([{peerId, addresses: [options.address]}]);
    links.set(signer.peerId, link);
  }
  const front = new Front(peerId, links);
  const server = await createLibp2pOperatorServer(
    {...modules, identity, node: front},
    {listen: ["/ip4/127.0.0.1/tcp/0"], allowedPeers: () => new Set(links.keys()), software: "devnet"},
  );
  return {
    port: Number(/\/tcp\/(\d+)/.exec(server.addresses()[0] ?? "")?.[1]),
    lie: (kind) => front.lie(kind),
    close: async () => {
      await server.close();
      front.close();
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}

class Front implements PartialHandler {
  readonly #peerId: PeerIdText;
  readonly #links: ReadonlyMap<PeerIdText, OperatorLink>;
  readonly #end = new AbortController();
  #liar: Liar | null = null;

  constructor(peerId: PeerIdText, links: ReadonlyMap<PeerIdText, OperatorLink>) {
    this.#peerId = peerId;
    this.#links = links;
  }

  lie(kind: Lie | "all" | null): void {
    this.#liar = kind === null ? null : new Liar(kind);
  }

  close(): void {
    this.#end.abort();
  }

  async handle(signer: PeerIdText, request: PartialRequest): Promise<PartialReply> {
    try {
      const reply = await this.#links.get(signer)!.requestPartial(this.#peerId, request, this.#end.signal);
      if (this.#liar === null || reply.kind === "refused") return reply;
      return {...reply, partial: this.#liar.distort(request.key, reply.partial)};
    } catch (error) {
      // As if the real one were gone.
      const code = codeOf(error);
      return {kind: "refused", code, message: REASONS[code].meaning};
    }
  }

  watermarks(signer: PeerIdText) {
    return this.#links.get(signer)!.watermarks(this.#peerId, this.#end.signal);
  }
}
