/**
 * Promise.withResolvers, which libp2p 3 calls and Node 20 lacks; without it every dial ends in ECONNRESET. Import this file
 * before anything of libp2p.
 */
if (typeof Promise.withResolvers !== "function") {
  Object.defineProperty(Promise, "withResolvers", {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor): PromiseWithResolvers<T> {
      let resolve!: PromiseWithResolvers<T>["resolve"];
      let reject!: PromiseWithResolvers<T>["reject"];
      const promise = new this<T>((onResolve, onReject) => {
        resolve = onResolve;
        reject = onReject;
      });
      return {promise, resolve, reject};
    },
  });
}
