import type {SecureContextOptions} from "node:tls";
import {type AccountView, parseAccount} from "../../adapters/operator-link/https/answers.js";
import {ProfileClient} from "../../adapters/operator-link/https/client.js";
import {type PeerIdText, type PubkeyHex, parseOperatorId, type RootHex} from "../../core/bytes.js";
import type {CommitteeDraft} from "../../core/committee/committee-file.js";
import {PleiadesError} from "../../core/errors.js";
import {participantPeerId} from "./peer-id.js";

/** Ten thousand accounts of thirteen participants. */
const MAX_RESPONSE_BYTES = 2 ** 25;
const TIMEOUT_MS = 30_000;

export interface Discovery {
  readonly origins: readonly string[];
  readonly context: SecureContextOptions;
  /** This signer, the coordinator. */
  readonly coordinator: PeerIdText;
  readonly genesisValidatorsRoot: RootHex | null;
}

/**
 * Committees out of what the participants at these origins say of themselves, one for each set of participants and
 * threshold. Nobody else is connected to, whatever they say; their views must agree in everything they have in common.
 * That the keys belong together is checked where the committee file is made.
 * @throws LINK_ACCOUNT_MISMATCH · LINK_BAD_REPLY · those of the connection
 * @see remote signing API PR 29, "Account discovery"
 */
export async function discoverCommittees({
  origins,
  context,
  coordinator,
  genesisValidatorsRoot,
}: Discovery): Promise<CommitteeDraft[]> {
  const views = await Promise.all(origins.map((origin) => accountsAt(origin, context)));
  const byKey = new Map<PubkeyHex, Map<string, AccountView>>();
  for (const [i, accounts] of views.entries()) {
    for (const view of accounts) {
      const known = byKey.get(view.compositePublicKey) ?? new Map<string, AccountView>();
      byKey.set(view.compositePublicKey, known.set(origins[i]!, view));
    }
  }
  const drafts = new Map<string, CommitteeDraft>();
  for (const [key, known] of byKey) {
    const {participants, threshold, sharePublicKeys} = agree(key, known);
    const id = JSON.stringify([participants.map(({endpoint}) => endpoint), String(threshold)]);
    const draft = drafts.get(id);
    const validators = [...(draft?.validators ?? []), {groupPublicKey: key, sharePublicKeys}];
    drafts.set(id, {
      generation: 0,
      genesisValidatorsRoot,
      threshold: Number(threshold),
      operators: participants.map(({endpoint}, i) => ({
        id: parseOperatorId(i + 1),
        peerId: participantPeerId(endpoint),
        addresses: [endpoint],
      })),
      coordinators: [coordinator],
      validators,
    });
  }
  return [...drafts.values()];
}

async function accountsAt(origin: string, context: SecureContextOptions): Promise<AccountView[]> {
  const client = new ProfileClient(origin, context, {maxResponseBytes: MAX_RESPONSE_BYTES});
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const {status, body} = await client.ask("/api/v1/eth2/distributed/accounts", null, signal);
    if (status !== 200 || !Array.isArray(body)) throw new PleiadesError({code: "LINK_BAD_REPLY", origin, status});
    return body.map((raw: unknown) => {
      const view = parseAccount(raw);
      const own = view.participants.find(({id}) => id === view.participantId);
      if (own?.endpoint !== origin) throw mismatch(view.compositePublicKey, "endpoint", origin);
      return view;
    });
  } catch (error) {
    if (!(error instanceof PleiadesError)) throw error;
    throw new PleiadesError({origin, ...error.data, code: error.code}, {cause: error});
  } finally {
    client.close();
  }
}

/** What all participants of one account say of it, and the key each has. */
function agree(key: PubkeyHex, views: ReadonlyMap<string, AccountView>) {
  const [first] = views.values();
  if (first === undefined) throw mismatch(key, "participants", "nobody");
  const {participants, threshold} = first;
  const common = (view: AccountView): string =>
    JSON.stringify([String(view.threshold), view.participants.map(({id, endpoint}) => [String(id), endpoint])]);
  for (const [origin, view] of views) {
    if (common(view) !== common(first)) throw mismatch(key, "participants or signing_threshold", origin);
  }
  const sharePublicKeys = participants.map(({id, endpoint}, i) => {
    // Divergence: the draft allows any ids. The combination with small integers wants 1…n.
    if (id !== BigInt(i + 1)) throw mismatch(key, "ids other than 1 to n", endpoint);
    const view = views.get(endpoint);
    if (view === undefined) throw mismatch(key, "a participant whose origin is not configured", endpoint);
    return view.publicKey;
  });
  return {participants, threshold, sharePublicKeys};
}

const mismatch = (key: PubkeyHex, field: string, origin: string): PleiadesError =>
  new PleiadesError({code: "LINK_ACCOUNT_MISMATCH", field, origin, key});
