/**
 * Everything that can be reached from a value by following properties (also non-enumerable and symbol ones), entries of
 * maps and sets, and prototypes; accessors are called. What only a closure holds cannot be reached by any code either.
 * @returns the path to each target found, by target
 */
export function pathsTo(start: unknown, targets: ReadonlySet<object>): Map<object, string> {
  const found = new Map<object, string>();
  const seen = new Set<object>();
  const queue: {value: unknown; path: string}[] = [{value: start, path: "start"}];
  // The language's own objects are shared by everything and hold nothing of ours.
  for (const builtin of [Object, Function, Array, Map, Set, WeakMap, WeakSet, Promise, Error, RegExp, Uint8Array]) {
    seen.add(builtin);
    seen.add(builtin.prototype);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const {value, path} = next;
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
    seen.add(value);
    if (targets.has(value)) found.set(value, path);
    queue.push({value: Object.getPrototypeOf(value), path: `${path}.[[Prototype]]`});
    if (value instanceof Map) {
      let i = 0;
      for (const [key, item] of value) {
        queue.push({value: key, path: `${path}.keys[${i}]`}, {value: item, path: `${path}.get(${nameOf(key)})`});
        i++;
      }
    } else if (value instanceof Set) {
      for (const item of value) queue.push({value: item, path: `${path}.item`});
    }
    for (const key of Reflect.ownKeys(value)) {
      let item: unknown;
      try {
        item = Reflect.get(value, key);
      } catch {
        continue; // an accessor of a prototype, called on the prototype itself
      }
      queue.push({value: item, path: `${path}.${String(key)}`});
    }
  }
  return found;
}

const nameOf = (key: unknown): string => (typeof key === "string" ? key : typeof key);
