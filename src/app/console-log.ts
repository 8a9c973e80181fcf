/** How a value of pino's `level` is called; padded, so that messages stand in one column. */
const LEVELS: {readonly [level: string]: {readonly name: string; readonly colour: number}} = {
  "20": {name: "DEBUG", colour: 90},
  "30": {name: "INFO ", colour: 32},
  "40": {name: "WARN ", colour: 33},
  "50": {name: "ERROR", colour: 31},
};
const DIM = 2;

/** Whether a stream is to get colours: a terminal, unless the person said no. @see https://no-color.org */
export const wantsColour = (
  {isTTY}: {readonly isTTY?: boolean},
  env: {readonly [name: string]: string | undefined},
): boolean => isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";

/**
 * One JSON line of the logger as people read it: time, level, message, fields. Whatever a value contains, it cannot start
 * a line of its own or move the cursor: what other machines sent ends up in here.
 */
export function formatForConsole(line: string, {colour}: {colour: boolean}): string {
  const {level, time, msg, ...fields} = JSON.parse(line) as {[key: string]: unknown};
  const {name, colour: shade} = LEVELS[String(level)] ?? {name: String(level), colour: 0};
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const long: string[] = [];
  const short = Object.entries(fields).flatMap(([key, value]) => {
    // A trace has lines of its own below; everything else stays on this one.
    if (typeof value === "string" && value.includes("\n")) {
      long.push(...value.split("\n").map((row) => `    ${safe(row)}`));
      return [];
    }
    return [`${paint(DIM, `${safe(key)}=`)}${shown(value)}`];
  });
  const head = [paint(DIM, safe(String(time))), paint(shade, name), safe(String(msg)), ...short].join(" ");
  return `${[head, ...long].join("\n")}\n`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? safe(value) : safe(JSON.stringify(value));
  return safe(typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));
}

/** Control characters, among them those that begin a terminal's commands, become visible. */
const safe = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
