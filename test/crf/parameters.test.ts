/** Which parameters are accepted. */

import { describe, expect, it } from "vitest";
import { CrfParameterError, checkParameters, crfRnn, type CrfParameters } from "../../src/crf/parameters.ts";
import { denseCrf } from "../support/crf/dense-crf.ts";

const { gaussian, bilateral } = crfRnn;

describe("parameters", () => {
  it("are accepted as released", () => {
    expect(() => checkParameters(crfRnn)).not.toThrow();
    expect(() => checkParameters(denseCrf)).not.toThrow();
    expect(() => checkParameters({ ...crfRnn, compatibility: [[0]] })).not.toThrow();
  });

  const wrong: readonly (readonly [string, Partial<CrfParameters>])[] = [
    ["iterations", { iterations: 0 }],
    ["iterations", { iterations: 2.5 }],
    ["iterations", { iterations: 21 }],
    ["gaussian.weight", { gaussian: { ...gaussian, weight: -1 } }],
    ["gaussian.theta", { gaussian: { ...gaussian, theta: 0 } }],
    ["bilateral.weight", { bilateral: { ...bilateral, weight: Number.NaN } }],
    ["bilateral.thetaAlpha", { bilateral: { ...bilateral, thetaAlpha: Infinity } }],
    ["bilateral.thetaBeta", { bilateral: { ...bilateral, thetaBeta: 0.1 } }],
    ["compatibility", { compatibility: [[0, 1]] }],
    ["compatibility", { compatibility: [] }],
    ["compatibility", { compatibility: "pots" as "potts" }],
  ];
  it.each(wrong)("are refused by the name %s: %j", (field, change) => {
    let caught: unknown;
    try {
      checkParameters({ ...crfRnn, ...change });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(CrfParameterError);
    expect(caught).toMatchObject({ field, message: expect.stringContaining(`crf: ${field} is`) as unknown });
  });
});
