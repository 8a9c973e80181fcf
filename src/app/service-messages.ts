/** What `operator` and `signer` tell a parent that forked them, once. */
export interface ServiceReady {
  readonly kind: "ready";
  readonly pid: number;
  readonly peerId: string;
  /** Of the remote signer API, or of an operator's plugin routes; null when it serves none. */
  readonly url: string | null;
  /** Of an operator's distributed profile, when it serves that. */
  readonly distributedUrl?: string | undefined;
  /** Multiaddrs an operator listens on; empty for a signer. */
  readonly addresses: readonly string[];
}
/** Why it will not become ready, as it stands on its standard error. */
export interface ServiceFailed {
  readonly kind: "failed";
  readonly text: string;
}
export type ServiceMessage = ServiceReady | ServiceFailed;

/** Does nothing in a process that nobody forked. */
export function tellParent(message: ServiceMessage): void {
  if (process.connected) process.send?.(message);
}
