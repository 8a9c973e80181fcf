import {collectDefaultMetrics, Registry} from "prom-client";
import {z} from "zod";
import {PLUGIN_API_VERSION, type Plugin} from "../contract.js";
import {MetricsRecorder} from "./recorder.js";

const configSchema = z.strictObject({
  /** Also report the process itself: CPU, memory, event loop, garbage collection. */
  processMetrics: z.boolean().default(true),
});
export type MetricsConfig = z.infer<typeof configSchema>;

/**
 * The built-in plugin `metrics`: Prometheus' text format at GET /plugin/metrics. A new one per host, because each has a
 * registry of its own.
 */
export function createMetricsPlugin(): Plugin<MetricsConfig> {
  const registry = new Registry();
  const recorder = new MetricsRecorder({registry});
  let processMetrics = true;
  return {
    name: "metrics",
    apiVersion: PLUGIN_API_VERSION,
    configSchema,
    register(_container, config) {
      processMetrics = config.processMetrics;
      return {
        observers: [(event) => recorder.record(event)],
        routes: [
          {
            method: "GET",
            path: "",
            handler: async () => ({status: 200, contentType: registry.contentType, body: await registry.metrics()}),
          },
        ],
      };
    },
    // Not in register: it starts to watch the event loop and the garbage collector.
    async start() {
      if (processMetrics) collectDefaultMetrics({register: registry});
    },
    async stop() {
      registry.clear();
    },
  };
}
