/**
 * A value from outside in words, cut. `String` is not for these: hostile JSON may bring an object whose `toString` is no
 * function, or a list of such, and then it throws.
 */
export function shown(raw: unknown, max = 64): string {
  if (typeof raw !== "object" || raw === null) return String(raw).slice(0, max);
  try {
    return JSON.stringify(raw).slice(0, max);
  } catch {
    return "an object";
  }
}
