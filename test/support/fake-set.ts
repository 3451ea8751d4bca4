/** Fixed answers about several images: what is known of them beforehand, and what is made of those about each. */

import { sha256Of } from "../../src/digest.ts";

import type {
  PreparedRobustness,
  RobustnessRun,
  RobustnessSetRequest,
  RobustnessSetResult,
} from "../../src/contract/robustness.ts";
import type { Service } from "../../src/contract/service.ts";

const estimate = (value: number | null) => ({ value, interval: value === null ? null : { low: 0, high: 1 } });

export const fakeSet = async (
  { spec, pictures }: RobustnessSetRequest,
  run: RobustnessRun,
  service: Service,
): Promise<RobustnessSetResult> => {
  const images = [];
  for (const picture of pictures) images.push(await service.robustness({ spec, ...picture }, run));
  const { curve, reference, threshold, breaking, smallestEpsilon, verdict, summary, cost, timings } = images[0]!;
  const pooled = { miou: estimate(0.5), nmiou: estimate(0.5), pixelAccuracy: estimate(0.5) };
  return {
    images,
    reference,
    threshold,
    bootstrap: { replicates: 500, seed: spec.seed },
    clean: pooled,
    curve: curve.map(({ attack, epsilon, steps, float, uint8 }) => ({
      attack,
      epsilon,
      steps,
      iouRatio: estimate(float.iouRatio),
      iouRatioUint8: uint8.iouRatio,
      ...pooled,
      flags: [],
    })),
    breaking,
    smallestEpsilon,
    verdict,
    signs: [],
    summary,
    cost,
    timings,
  };
};

export const fakePrepared = async ({ spec, pictures }: RobustnessSetRequest): Promise<PreparedRobustness> => {
  const fileOf = async (folder: string, bytes: Uint8Array) => {
    const sha256 = await sha256Of(new Uint8Array(bytes));
    return `${folder}/${sha256}.png`;
  };
  const each = pictures.map(async ({ image, labels }) => ({
    width: 4,
    height: 2,
    warnings: [],
    image: await fileOf("images", image),
    ...(labels && { labels: await fileOf("labels", labels) }),
    units: ["clean", "attacked"],
  }));
  return {
    spec,
    evaluation: { networks: [spec.model], data: { dataset: "folders" } },
    pictures: await Promise.all(each),
    notes: [],
  };
};
