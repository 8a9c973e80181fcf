import type {Reason} from "./reason.js";

export const httpReasons = {
  HTTP_NOT_FOUND: {
    fault: "caller",
    meaning: "There is no such path on this signer.",
    action: "Check the URL; the API is served under /api/v1/eth2.",
  },
  HTTP_METHOD_NOT_ALLOWED: {
    fault: "caller",
    meaning: "This path does not take this HTTP method.",
    action: "Use a method named in the Allow header of the answer.",
  },
  HTTP_MALFORMED: {
    fault: "caller",
    meaning: "The request is not valid HTTP.",
    action: "Check the client or the proxy in front of the signer.",
  },
  HTTP_HEADERS_TOO_LARGE: {
    fault: "caller",
    meaning: "The request's headers are larger than this signer takes.",
    action: "Send fewer or shorter headers; look for a proxy that adds some.",
  },
  HTTP_URL_TOO_LONG: {
    fault: "caller",
    meaning: "A part of the URL is longer than any this signer serves.",
    action: "Send one public key (98 characters) as the identifier, or use batch signing.",
  },
  HTTP_REQUEST_TIMEOUT: {
    fault: "caller",
    meaning: "The request did not arrive completely in time.",
    action: "Look for a slow network or a client that leaves requests unfinished.",
  },
  HTTP_BODY_TOO_LARGE: {
    fault: "caller",
    meaning: "The request's body is larger than this signer takes.",
    action: "Send blocks from Bellatrix on as block_header; raise the signer's body limit if the body is right.",
  },
  HTTP_UNSUPPORTED_MEDIA_TYPE: {
    fault: "caller",
    meaning: "The body's content type is not application/json.",
    action: "Send JSON with the header `content-type: application/json`.",
  },
  HTTP_BATCH_INVALID: {
    fault: "caller",
    meaning: "A batch request is not a bounded, non-empty list of public keys with one signing request.",
    action: "Send {identifiers: [public keys], signing_request: {type, …}}; split a longer list into several requests.",
  },
  HTTP_BATCH_DUPLICATE_KEY: {
    fault: "caller",
    meaning: "A batch request names a public key twice.",
    action: "Name each key once; upper and lower case are the same key.",
  },
  HTTP_BATCH_TYPE: {
    fault: "caller",
    meaning: "This type of message cannot be signed for many keys at once.",
    action: "Ask for it one key at a time.",
  },
  HTTP_CLIENT_NOT_ALLOWED: {
    fault: "caller",
    meaning: "The client's certificate is good, but it is not one this listener lets in.",
    action: "Add its SHA-256 fingerprint or its name to the list `clients` of the listener's tls section.",
  },
  HTTP_HOST_NOT_ALLOWED: {
    fault: "caller",
    meaning: "The request's Host header names another server than this one.",
    action: "Use localhost, the configured host or an IP address in the client's URL, or add the name to allowedHosts.",
  },
  HTTP_ORIGIN_NOT_ALLOWED: {
    fault: "caller",
    meaning: "The request comes from a web page of another origin.",
    action: "Nothing that signs runs in a browser: find out which page sent it.",
  },
  HTTP_TOKEN: {
    fault: "caller",
    meaning: "The request lacks the token this listener asks for, or has a wrong one.",
    action: "Send `authorization: Bearer <token>`, or put it into the URL as the password: https://user:token@host.",
  },
  HTTP_RATE_LIMITED: {
    fault: "caller",
    meaning: "This client asks more often than the listener's rateLimits allow.",
    action: "Wait as long as the Retry-After header says; raise the limit if the client is right.",
  },
  HTTP_OVERLOADED: {
    fault: "environment",
    meaning: "More requests are waiting than this signer holds.",
    action: "Look for slow operators or too small a machine; raise the signer's bounds if both are fine.",
  },
  HTTP_DEADLINE: {
    fault: "environment",
    meaning: "The request's deadline passed before the committee had an answer.",
    action: "Look at the health check and at the load; the deadline of each duty type can be configured.",
  },
  HTTP_CLIENT_GONE: {
    fault: "caller",
    meaning: "The client closed its connection before the answer was ready.",
    action: "Look for a restarted client or for a client or proxy with a shorter timeout.",
  },
  HTTP_SHUTTING_DOWN: {
    fault: "nobody",
    meaning: "The signer is shutting down.",
    action: "Wait for it to start again.",
  },
  HTTP_RELOAD_RUNNING: {
    fault: "caller",
    meaning: "A reload is already running.",
    action: "Wait until GET /reload says that it has finished.",
  },
  HTTP_PLUGIN_ROUTE_FAILED: {
    fault: "configuration",
    meaning: "A plugin's route failed.",
    action: "Look at the log line with the same code and report it to the plugin's author.",
  },
  HTTP_ADDRESS_IN_USE: {
    fault: "configuration",
    meaning: "Another program listens on the signer's address already.",
    action: "Stop it or choose another port; port 0 picks a free one.",
  },
  HTTP_LISTEN_FAILED: {
    fault: "configuration",
    meaning: "The signer cannot listen on its address.",
    action: "Check that the host is an address of this machine and that the port is allowed.",
  },
  HTTP_ROUTE_INVALID: {
    fault: "configuration",
    meaning: "A plugin's route has a name or path that cannot be served.",
    action: "Use a kebab-case plugin name and a path of plain segments, each route once.",
  },
} as const satisfies Record<string, Reason>;
