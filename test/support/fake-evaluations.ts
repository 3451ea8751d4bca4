/** Evaluations of a service without networks and files: one, which always runs. */
import { FaultlineError } from "../../src/contract/failure.ts";
import type { EvaluationFile, EvaluationInfo, EvaluationRequest, Evaluations } from "../../src/contract/evaluations.ts";

export const fakeEvaluation: EvaluationInfo = {
  id: "0f5c",
  state: "running",
  created: "2026-01-01T00:00:00.000Z",
  spec: { networks: ["enet-street"] },
  predicted: {
    units: 12,
    pictures: 4,
    evaluations: { forward: 30, backward: 20 },
    workers: 2,
    cpuHours: 0.5,
    seconds: 900,
  },
  maxCpuHours: 24,
  spentCpuHours: 0.25,
  units: { total: 12, done: 6, failed: 0 },
  unitsPerSecond: 0.02,
  remainingSeconds: 300,
};

/** Evaluations that record their requests and know the id of one. */
export const fakeEvaluations = (requests: EvaluationRequest[] = []): Evaluations => {
  const known = async (id: string, state: EvaluationInfo["state"] = "running"): Promise<EvaluationInfo> => {
    if (id === fakeEvaluation.id) return { ...fakeEvaluation, state };
    throw new FaultlineError({ kind: "unknown-evaluation", id });
  };
  const file = async (id: string, text: string): Promise<EvaluationFile> => {
    await known(id);
    return { body: new Blob([text]).stream(), bytes: text.length };
  };
  return {
    predict: async (request) => {
      requests.push(request);
      return fakeEvaluation.predicted;
    },
    submit: async (request) => {
      requests.push(request);
      return { isNew: true, evaluation: { ...fakeEvaluation, state: "queued", spec: request.spec } };
    },
    get: (id) => known(id),
    follow: async (id, { onChange }) => {
      await onChange(await known(id));
      return known(id, "done");
    },
    rows: (id) => file(id, '{"schema":2}\n'),
    report: (id, type) => file(id, type),
    cancel: (id) => known(id, "cancelled"),
    retry: (id) => known(id, "queued"),
    dataSets: async () => new Set(requests.flatMap(({ spec }) => spec.data?.path ?? [])),
    remove: async (id) => void (await known(id)),
  };
};
