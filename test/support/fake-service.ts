/** A Service without a network: fixed answers, a record of its requests, and methods that a test can replace. */
import { FaultlineError, type Failure } from "../../src/contract/failure.ts";
import type { Service } from "../../src/contract/service.ts";
import type { AttackResult } from "../../src/contract/attack.ts";
import type { AttackName } from "../../src/attacks/catalogue.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { gridAttack, withoutRows, type CurvePoint } from "../../src/contract/robustness.ts";
import {
  auditAnswer,
  certifyAnswer,
  encodedOutput,
  fakeModel,
  fakePng,
  mapScores,
  receipt,
  scores,
  segmentAnswer,
  transferAnswer,
} from "./fake-answers.ts";
import { fakePrepared, fakeSet } from "./fake-set.ts";

export { fakeModel, fakePng } from "./fake-answers.ts";

const AWAITED_STEPS = 100;

/** max(⌈min(ε + 4, 1.25 ε)⌉, 1) for the iterative attacks. */
const defaultSteps = (attack: AttackName, epsilon: number): number =>
  attack.startsWith("fgsm") ? 1 : Math.max(Math.ceil(Math.min(epsilon + 4, 1.25 * epsilon)), 1);

const point = (attack: AttackName, epsilon: number): CurvePoint => {
  const at = { iouRatio: 1 / (1 + epsilon), miou: 0.5, pixelAccuracy: 0.5 };
  return { attack, epsilon, steps: defaultSteps(attack, epsilon), float: at, uint8: at, signs: [] };
};

const recorded = ["segment", "attack", "score", "robustness", "robustnessOfSet", "prepareRobustness", "concludeRobustness", "transfer", "audit", "certify", "report"] as const; // prettier-ignore

type Calls = { [K in (typeof recorded)[number]]: Parameters<Service[K]>[0][] };

/** A Service that records its requests in order. */
export interface FakeService extends Service {
  readonly calls: Calls;
}

export const fakeService = (replaced: Partial<Service> = {}): FakeService => {
  const calls = Object.fromEntries(recorded.map((name) => [name, []])) as unknown as Calls;
  return {
    calls,
    defaultModel: "enet-street",
    models: async () => [fakeModel],
    model: async (name) => {
      if (name === fakeModel.name) return fakeModel;
      throw new FaultlineError({ kind: "unknown-model", model: name, accepted: [fakeModel.name] });
    },
    ready: async () => {},
    segment: async (request) => {
      calls.segment.push(request);
      return segmentAnswer(request);
    },
    attack: async (request, { onStep, signal }) => {
      calls.attack.push(request);
      const steps = Array.from({ length: request.spec.steps }, (_, i) => ({
        step: i + 1,
        loss: i,
        changedPixelShare: 0.1,
      }));
      for (const step of steps) {
        if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
        const reported = onStep?.({ ...step, steps: steps.length });
        // Whoever follows the steps yields to the event loop at each, a millisecond; thousands of steps need not wait for it.
        if (step.step <= AWAITED_STEPS) await reported;
      }
      const perturbation = { linf: request.spec.epsilon ?? 1, l2: 10, l0: 8, psnr: 30, ssim: 0.9 };
      const result: AttackResult = {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        voidPixels: 0,
        warnings: [],
        scores: { float: scores, uint8: { ...scores, iouRatio: 0.3 } },
        perturbation: { float: perturbation, uint8: { ...perturbation, psnr: null } },
        steps,
        masking: { zeroGradientShare: 0, confidence: 0.9 },
        evaluations: { forward: steps.length + 2, backward: steps.length },
        signs: [],
        unchecked: { kinds: ["gradient-free-stronger"], detail: "A sentence." },
        timings: { run: 12.34, total: 20 },
        receipt: { ...receipt, spec: request.spec },
        images: Object.fromEntries(request.outputs.map((name) => [name, encodedOutput(name)])),
      };
      return result;
    },
    score: async (request) => {
      calls.score.push(request);
      const { meanOver = "reference" } = request;
      const both = { width: 4, height: 2, classes: 2, meanOver, warnings: [], voidPixels: 0, prediction: mapScores };
      return request.adversarial ? { ...both, adversarial: mapScores, iouRatio: 1 } : both;
    },
    robustness: async (request, { onPoint, signal }) => {
      calls.robustness.push(request);
      const { epsilons, threshold } = request.spec;
      const attacks = request.spec.attacks.map((entry) => gridAttack(entry).attack);
      const curve = attacks.flatMap((attack) => epsilons.map((epsilon) => point(attack, epsilon)));
      for (const [i, each] of curve.entries()) {
        if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
        await onPoint?.(each, i + 1, curve.length);
      }
      const smallest = curve.find(({ float }) => float.iouRatio! < threshold)?.epsilon ?? null;
      return {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        voidPixels: 0,
        warnings: [],
        threshold,
        clean: { miou: 1, pixelAccuracy: 1 },
        curve: curve.map((each) => ({ ...each, flags: [] })),
        breaking: attacks.map((attack) => ({ attack, float: smallest, uint8: smallest })),
        smallestEpsilon: { float: smallest, uint8: smallest },
        verdict: smallest === null ? "undecided" : "broken",
        masking: { zeroGradientShare: 0, confidence: 0.9 },
        signs: [],
        summary: "A sentence.",
        cost: { pixels: 8, steps: 20, work: 160, maxWork: 2 ** 30 },
        rows: ["clean", ...curve].map((_, i) => ({ schema: 2, id: String(i) }) as unknown as Row),
        timings: { total: 5 },
        receipt: { ...receipt, spec: request.spec },
      };
    },
    robustnessOfSet: async (request, run) => {
      calls.robustnessOfSet.push(request);
      return fakeSet(request, run, fakeService());
    },
    prepareRobustness: async (request) => {
      calls.prepareRobustness.push(request);
      return fakePrepared(request);
    },
    concludeRobustness: async (request) => {
      calls.concludeRobustness.push(request);
      const { spec } = request.prepared;
      return withoutRows(await fakeService().robustness({ spec, image: fakePng }, {}));
    },
    transfer: async (request) => {
      calls.transfer.push(request);
      return transferAnswer(request);
    },
    audit: async (request) => {
      calls.audit.push(request);
      return auditAnswer(request);
    },
    certify: async (request) => {
      calls.certify.push(request);
      return certifyAnswer(request);
    },
    report: async (request) => {
      calls.report.push(request);
      return request.form === "json" ? '{"schema":1}\n' : "<h1>Report</h1>\n";
    },
    ...replaced,
  };
};

/** A service whose every method fails with this failure. */
export const failingService = (failure: Failure): FakeService => {
  const fail = async (): Promise<never> => {
    throw new FaultlineError(failure);
  };
  return fakeService(Object.fromEntries([...recorded, "ready"].map((name) => [name, fail])));
};
