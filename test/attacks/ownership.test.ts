/** What an attack has handed out stays as it was: rules write into arrays of their own alone. */

import { describe, expect, it } from "vitest";
import { attackEntry, attackNames, makeAttack } from "../../src/attacks/catalogue.ts";
import type { Objective } from "../../src/attacks/attack.ts";
import { writeCheckpoint } from "../../src/attacks/checkpoint.ts";
import { follow, type Checkpoint, type Progress } from "../../src/attacks/run.ts";
import { crossing, optimum, twoPixels as image } from "./objectives.ts";

const settings = { epsilon: 4, alpha: 0.9, steps: 23, seed: 5, pixelRange: [0, 255] } as const;

/** Arrays as they were when they were handed out. */
const createHandedOut = () => {
  const kept: { readonly what: string; readonly array: Float32Array; readonly copy: Float32Array }[] = [];
  return {
    keep: (what: string, array: Float32Array) => void kept.push({ what, array, copy: array.slice() }),
    changed: () => kept.filter(({ array, copy }) => !array.every((v, i) => Object.is(v, copy[i]))).map((k) => k.what),
    count: () => kept.length,
  };
};

describe.each(attackNames)("%s", (name) => {
  const base = attackEntry(name).type === "minimum-norm" ? crossing : optimum;

  it.each([
    ["rises", 1],
    ["falls", -1],
  ])("changes nothing that it has handed out, where its objective %s", async (_, sense) => {
    for (const trajectory of makeAttack(name, settings).trajectories) {
      const handed = createHandedOut();
      const checkpoints: { readonly checkpoint: Checkpoint; readonly bytes: Uint8Array }[] = [];
      handed.keep("the clean image", image.data);
      const objective: Objective = async (at, clock, feeds) => {
        handed.keep(`the image that is evaluated at step ${clock.step}`, at.data);
        const seen = await base(at, clock, feeds);
        return { ...seen, value: sense * seen.value };
      };
      const onStep = ({ step, image: after, checkpoint }: Progress): void => {
        handed.keep(`the image after step ${step}`, after.data);
        checkpoints.push({ checkpoint, bytes: writeCheckpoint(checkpoint) });
      };
      const result = await follow(trajectory, objective, image, { onStep });
      handed.keep("the result", result.data);
      const places = [0, checkpoints.length - 2].filter((place) => place >= 0);
      for (const place of places) {
        const again = await follow(trajectory, objective, image, { onStep, from: checkpoints[place]!.checkpoint });
        expect(again).toEqual(result);
      }
      expect(handed.count()).toBeGreaterThan(2 * trajectory.steps);
      expect(handed.changed()).toEqual([]);
      for (const { checkpoint, bytes } of checkpoints) expect(writeCheckpoint(checkpoint)).toEqual(bytes);
    }
  });

  it("gives an image that is not the one it was given", async () => {
    for (const trajectory of makeAttack(name, settings).trajectories) {
      const nothing: Objective = async (...at) => {
        const { gradient, ...seen } = await base(...at);
        gradient?.data.fill(0);
        return { ...seen, gradient, value: 0 };
      };
      const { data } = await follow(trajectory, nothing, image);
      expect(data).not.toBe(image.data);
    }
  });
});

it("a checkpoint is not read once the next step has been made", async () => {
  const [trajectory] = makeAttack("mi-fgsm", settings).trajectories;
  const told: Progress[] = [];
  await follow(trajectory, optimum, image, { onStep: (progress) => void told.push(progress) });
  expect(() => told[0]!.checkpoint).toThrow("the checkpoint of step 1 is read at step 23");
  expect(told.at(-1)!.checkpoint.step).toBe(23);
});

it("the evaluation that is told has no gradient, which the step has used up", async () => {
  const [trajectory] = makeAttack("fgsm", settings).trajectories;
  const told: object[] = [];
  await follow(trajectory, optimum, image, { onStep: ({ evaluation }) => void told.push(evaluation) });
  expect(told).toEqual([{ value: expect.any(Number) }]);
});
