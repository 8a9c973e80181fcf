import {z} from "zod";

/** What a person needs to know about one key of lodestar.config.yaml; the template prints it, the schema carries it. */
export interface KeyDocs {
  readonly about: string;
  /** Unit or form of the value, e.g. "milliseconds", "path", "multiaddr". A key without one is a section. */
  readonly unit?: string;
  /** Written as a commented line when the key has no value of its own. */
  readonly example?: unknown;
}

/** Own registry, so that nothing else's metadata mixes in. */
export const DOCS = z.registry<KeyDocs>();

/** Attaches the documentation to a key's schema. */
export function key<S extends z.ZodType>(schema: S, docs: KeyDocs): S {
  // `register` types its metadata by the schema's output, which is not known for a generic S.
  DOCS.add(schema, docs as never);
  return schema;
}
