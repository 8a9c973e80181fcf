export interface PluginRequest {
  /** Query parameters; of a repeated one the last. */
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON of a POST, null without a body. */
  readonly body: unknown;
}

export interface PluginResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * One HTTP route of a plugin, served by the remote signer at `/plugin/<plugin><path>`. Contract: the handler never
 * rejects and always settles (the plugin host sees to that), so the server may await it without a bound of its own.
 */
export interface PluginRoute {
  readonly plugin: string;
  readonly method: "GET" | "POST";
  /** Empty for `/plugin/<plugin>` itself, else `/` and more. */
  readonly path: string;
  readonly handler: (request: PluginRequest) => Promise<PluginResponse>;
}

export interface ControlRequest extends PluginRequest {
  /** Aborts when whoever asked has gone or the node stops: an answer in lines should end then. */
  readonly signal: AbortSignal;
}

/** An answer that goes on: each value is one line of JSON, sent as it comes. A failure of it is its last line. */
export interface ControlLines {
  readonly lines: AsyncIterable<unknown>;
}

/**
 * One route of a plugin on the node's control socket, where the owner of the node's files is and nobody else. Contract:
 * the handler settles; it may reject with a PleiadesError, which is the answer.
 */
export interface ControlRoute {
  readonly plugin: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly handler: (request: ControlRequest) => Promise<PluginResponse | ControlLines>;
}
