import {expect} from "chai";
import {PleiadesError, type ReasonCode} from "../../src/core/errors.js";

/** Runs what must fail and returns its error after checking the code. */
export function failure(code: ReasonCode, run: () => unknown): PleiadesError {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(PleiadesError);
    expect((error as PleiadesError).code, (error as Error).message).to.equal(code);
    return error as PleiadesError;
  }
  throw new Error(`nothing was thrown instead of ${code}`);
}

/** The same for one of several codes, which the caller looks at. */
export function anyFailure(run: () => unknown): PleiadesError {
  try {
    run();
  } catch (error) {
    expect(error, String((error as Error).stack)).to.be.instanceOf(PleiadesError);
    return error as PleiadesError;
  }
  throw new Error("nothing was thrown");
}

export async function rejection(code: ReasonCode, promise: Promise<unknown>): Promise<PleiadesError> {
  const settled = await promise.then(
    () => undefined,
    (error: unknown) => ({error}),
  );
  return failure(code, () => {
    if (settled !== undefined) throw settled.error;
  });
}
