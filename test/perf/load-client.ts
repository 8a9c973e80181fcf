/**
 * The client side of the benchmark, in a process of its own: signs distinct attestations over HTTP, either one at a time
 * or with a number of requests in flight, and reports each latency. Started by bench.ts with one JSON argument.
 */
import {Agent, request} from "node:http";

interface Job {
  url: string;
  keys: string[];
  /** Requests in flight; 1 measures latency, more measure throughput. */
  concurrency: number;
  count: number;
  /** First target epoch; later runs must start above earlier ones, or the guard refuses them. */
  firstEpoch: number;
}

const job = JSON.parse(process.argv[2] ?? "") as Job;
const agent = new Agent({keepAlive: true, maxSockets: job.concurrency});

function sign(key: string, epoch: number): Promise<void> {
  const root = (byte: number): string => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
  const body = JSON.stringify({
    type: "ATTESTATION",
    fork_info: {
      fork: {previous_version: "0x04000000", current_version: "0x05000000", epoch: String(epoch)},
      genesis_validators_root: root(7),
    },
    attestation: {
      slot: String(epoch * 32),
      index: "0",
      beacon_block_root: root(1),
      source: {epoch: String(epoch - 1), root: root(2)},
      target: {epoch: String(epoch), root: root(3)},
    },
  });
  return new Promise((resolve, reject) => {
    const call = request(
      `${job.url}/api/v1/eth2/sign/${key}`,
      {
        method: "POST",
        agent,
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "content-length": Buffer.byteLength(body),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`HTTP ${response.statusCode}: ${text}`));
        });
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

const latencies: number[] = [];
const errors: string[] = [];
// Concurrency divides the number of keys, so a key belongs to one lane and its target epochs rise in order: two targets of
// one key in flight at once could arrive swapped, and the guard would rightly refuse the lower one.
async function lane(first: number): Promise<void> {
  for (let i = first; i < job.count; i += job.concurrency) {
    const key = job.keys[i % job.keys.length]!;
    const epoch = job.firstEpoch + Math.floor(i / job.keys.length);
    const start = performance.now();
    try {
      await sign(key, epoch);
      latencies.push(performance.now() - start);
    } catch (error) {
      errors.push(String(error));
    }
  }
}
const start = performance.now();
await Promise.all(Array.from({length: job.concurrency}, (_, i) => lane(i)));
const seconds = (performance.now() - start) / 1000;
agent.destroy();
process.stdout.write(JSON.stringify({latencies, errors, seconds}));
