/**
 * The client side of the benchmark, in a process of its own: asks for signatures over HTTP on sockets of its own and
 * reports every latency. It writes requests made beforehand and reads no more of an answer than its status and length, so
 * that little of what is measured is the client. Started by the benchmark with one JSON argument; prints one JSON line.
 */
import {connect, type Socket} from "node:net";
import {attestationBody, batchBody, blockBody} from "./requests.js";

/** Attestations of distinct messages, a number of them in flight. */
export interface LanesJob {
  readonly kind: "lanes";
  readonly keys: readonly string[];
  readonly inFlight: number;
  readonly count: number;
  /** First target epoch; later runs must start above earlier ones, or the guard refuses them. */
  readonly firstEpoch: number;
}

/** What a client with many validators asks for in a slot: one message, every key at once, in rounds of one epoch each. */
export interface BurstJob {
  readonly kind: "burst";
  readonly keys: readonly string[];
  readonly rounds: number;
  readonly firstEpoch: number;
  /** One request per key, or the draft's batch request. */
  readonly form: "single" | "batch";
  /** Key of a block that is asked for this long after the burst has left; it must not be one of `keys`. */
  readonly block?: {readonly key: string; readonly afterMs: number; readonly firstSlot: number};
}

export interface LoadResult {
  readonly latencies: readonly number[];
  /** Whole rounds of a burst, in milliseconds. */
  readonly rounds: readonly number[];
  readonly blocks: readonly number[];
  readonly errors: readonly string[];
  readonly seconds: number;
  /** Processor time of this client while it loaded. */
  readonly cpuMs: number;
}

type Job = (LanesJob | BurstJob) & {readonly url: string};

/** One kept connection with one request at a time on it. */
class Lane {
  readonly #socket: Socket;
  #pending: {resolve: (body: string) => void; reject: (error: Error) => void} | null = null;
  #text = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => this.#read(chunk));
    socket.on("error", (error) => this.#pending?.reject(error));
    socket.on("close", () => this.#pending?.reject(new Error("the signer closed the connection")));
  }

  static open(port: number): Promise<Lane> {
    return new Promise((resolve, reject) => {
      const socket = connect({port, host: "127.0.0.1"}, () => resolve(new Lane(socket)));
      socket.once("error", reject);
    });
  }

  /** The body of a 200; anything else rejects. */
  post(path: string, body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#pending = {resolve, reject};
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json\r\n` +
          `content-length: ${body.length}\r\n\r\n${body}`,
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const head = this.#text.indexOf("\r\n\r\n");
    if (head === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1]);
    if (this.#text.length < head + 4 + length) return;
    const [text, pending] = [this.#text, this.#pending];
    this.#text = "";
    this.#pending = null;
    const body = text.slice(head + 4);
    if (text.startsWith("HTTP/1.1 200")) pending?.resolve(body);
    else pending?.reject(new Error(`${text.slice(0, text.indexOf("\r\n"))}: ${body}`));
  }
}

const signPath = (key: string): string => `/api/v1/eth2/sign/${key}`;
const latencies: number[] = [];
const blocks: number[] = [];
const rounds: number[] = [];
const errors: string[] = [];

async function timed(times: number[], work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  try {
    await work();
    times.push(performance.now() - start);
  } catch (error) {
    errors.push(String(error));
  }
}

/**
 * `inFlight` divides the number of keys, so a key belongs to one lane and its target epochs rise in order: two targets of
 * one key in flight at once could arrive swapped, and the guard would rightly refuse the lower one.
 */
async function runLanes(job: LanesJob, port: number): Promise<void> {
  const lanes = await Promise.all(Array.from({length: job.inFlight}, () => Lane.open(port)));
  cpu = process.cpuUsage();
  const began = performance.now();
  await Promise.all(
    lanes.map(async (lane, first) => {
      for (let i = first; i < job.count; i += job.inFlight) {
        const epoch = job.firstEpoch + Math.floor(i / job.keys.length);
        const body = attestationBody({epoch, message: i});
        await timed(latencies, () => lane.post(signPath(job.keys[i % job.keys.length]!), body));
      }
    }),
  );
  seconds = (performance.now() - began) / 1000;
  cpu = process.cpuUsage(cpu);
  for (const lane of lanes) lane.close();
}

async function runBurst(job: BurstJob, port: number): Promise<void> {
  const sockets = job.form === "single" ? job.keys.length : 1;
  const lanes = await Promise.all(Array.from({length: sockets}, () => Lane.open(port)));
  const blockLane = await Lane.open(port);
  cpu = process.cpuUsage();
  const began = performance.now();
  for (let round = 0; round < job.rounds; round++) {
    const body = attestationBody({epoch: job.firstEpoch + round, message: round});
    const burst = async (): Promise<void> => {
      if (job.form === "single") {
        await Promise.all(job.keys.map((key, i) => timed(latencies, () => lanes[i]!.post(signPath(key), body))));
        return;
      }
      const answer = await lanes[0]!.post("/api/v1/eth2/sign", batchBody(job.keys, body));
      if (answer.includes('"error"')) throw new Error(answer.slice(0, 400));
    };
    const whole = timed(rounds, burst);
    const {block} = job;
    if (block !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, block.afterMs));
      await timed(blocks, () => blockLane.post(signPath(block.key), blockBody({slot: block.firstSlot + round})));
    }
    await whole;
  }
  seconds = (performance.now() - began) / 1000;
  cpu = process.cpuUsage(cpu);
  for (const lane of [...lanes, blockLane]) lane.close();
}

let seconds = 0;
let cpu = process.cpuUsage();
const job = JSON.parse(process.argv[2] ?? "") as Job;
const port = Number(new URL(job.url).port);
await (job.kind === "lanes" ? runLanes(job, port) : runBurst(job, port));
process.stdout.write(
  `${JSON.stringify({latencies, rounds, blocks, errors, seconds, cpuMs: (cpu.user + cpu.system) / 1000} satisfies LoadResult)}\n`,
);
