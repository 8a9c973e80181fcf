import type {SightingExchange} from "../../ports/sightings.js";

/** For a node that only looks: it remembers nothing and tells nothing. */
export const NO_SIGHTINGS: SightingExchange = {
  news: () => ({told: [], version: 0}),
  heard: async () => {},
  own: () => null,
  stopCode: () => null,
};
