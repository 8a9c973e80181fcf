/** The two forms of an answer the API has. */
export type Form = "json" | "text";

/** How a client weighs the two forms; 0 is "not acceptable". */
interface Weights {
  readonly json: number;
  readonly text: number;
}

/**
 * The form of a signature: text/plain when no Accept header is sent (as Web3Signer) or text/plain is preferred, else
 * JSON. An Accept header that names neither does not cost a duty: it gets JSON.
 */
export function signatureForm(accept: string | undefined): Form {
  if (accept === undefined || accept.trim() === "") return "text";
  const {json, text} = weigh(accept);
  return text > json ? "text" : "json";
}

/** The form of the upcheck: JSON for a client that takes only JSON, else Web3Signer's plain OK. */
export function upcheckForm(accept: string | undefined): Form {
  if (accept === undefined) return "text";
  const {json, text} = weigh(accept);
  return json > 0 && text === 0 ? "json" : "text";
}

/** @see RFC 9110 section 12.5.1: of the ranges that match a type the most specific one decides. */
function weigh(accept: string): Weights {
  const ranges = accept.split(",").map(parseRange);
  const weightOf = (type: string, subtype: string): number => {
    for (const wanted of [`${type}/${subtype}`, `${type}/*`, "*/*"]) {
      const match = ranges.find(({range}) => range === wanted);
      if (match !== undefined) return match.weight;
    }
    return 0;
  };
  return {json: weightOf("application", "json"), text: weightOf("text", "plain")};
}

function parseRange(raw: string): {range: string; weight: number} {
  const [range = "", ...parameters] = raw.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  // A weight that is no number says nothing, so the range counts as if it had none.
  return {range, weight: Number.isFinite(weight) ? weight : 1};
}
