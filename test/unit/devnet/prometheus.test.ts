import {expect} from "chai";
import {History} from "../../../devnet/src/history.js";
import {histogram, parsePrometheus, quantile, since, total} from "../../../devnet/src/prometheus.js";

const TEXT = `# HELP d_seconds Durations.
# TYPE d_seconds histogram
d_seconds_bucket{le="0.01",type="A",outcome="ok"} 10
d_seconds_bucket{le="0.1",type="A",outcome="ok"} 90
d_seconds_bucket{le="+Inf",type="A",outcome="ok"} 100
d_seconds_sum{type="A",outcome="ok"} 4.2
d_seconds_count{type="A",outcome="ok"} 100
d_seconds_bucket{le="0.01",type="B",outcome="failed"} 0
d_seconds_bucket{le="0.1",type="B",outcome="failed"} 0
d_seconds_bucket{le="+Inf",type="B",outcome="failed"} 7
odd{text="a \\"b\\" {c}, d\\\\"} 1.5e3 1700000000000
plain 3
`;
const samples = parsePrometheus(TEXT);

describe("reading metrics", () => {
  it("reads names, labels with quotes, values and stamps", () => {
    expect(samples.find((one) => one.name === "odd")).to.deep.equal({
      name: "odd",
      labels: {text: 'a "b" {c}, d\\'},
      value: 1500,
    });
    expect(total(samples, "plain")).to.equal(3);
    expect(total(samples, "d_seconds_count", {outcome: "ok"})).to.equal(100);
    expect(total(samples, "absent")).to.equal(0);
  });

  it("takes quantiles linearly within a bucket, as Prometheus does", () => {
    const ok = histogram(samples, "d_seconds", {outcome: "ok"});
    expect(quantile(ok, 0.1)).to.be.closeTo(0.01, 1e-9);
    expect(quantile(ok, 0.5)).to.be.closeTo(0.055, 1e-9);
    expect(quantile(ok, 0.99)).to.equal(0.1);
    expect(quantile(new Map(), 0.5)).to.equal(null);
  });

  it("sums over the labels that are not asked for, and subtracts an earlier reading", () => {
    const all = histogram(samples, "d_seconds");
    expect(all.get(Infinity)).to.equal(107);
    expect(since(all, histogram(samples, "d_seconds", {outcome: "ok"})).get(Infinity)).to.equal(7);
  });
});

describe("lately", () => {
  const reading = (signed: number, participations: number) => ({
    signed,
    failed: new Map(),
    durations: new Map([
      [0.01, signed],
      [Infinity, signed],
    ]),
    operators: [
      {
        id: 1,
        state: "up" as const,
        pid: 1,
        delayMs: 0,
        participations,
        convictions: 0,
        lying: false,
        failures: new Map(),
        answers: new Map([
          [0.002, participations],
          [Infinity, participations],
        ]),
      },
    ],
  });

  it("is a rate over the last half minute only", () => {
    const history = new History();
    history.add(0, reading(0, 0));
    history.add(40_000, reading(4000, 4000));
    history.add(60_000, reading(4200, 4050));
    history.add(72_000, reading(4320, 4080));
    const rates = history.rates();
    expect(rates.signaturesPerSecond).to.be.closeTo(10, 1e-9);
    expect(rates.participation.get(1)).to.be.closeTo(80 / 320, 1e-9);
    expect(rates.p50Ms).to.be.closeTo(5, 1e-9);
    expect(rates.answerMs.get(1)).to.be.closeTo(1, 1e-9);
  });

  it("says nothing before there are two readings", () => {
    expect(new History().rates()).to.deep.include({signaturesPerSecond: 0, p50Ms: null});
  });
});
