/** Ascents of several images in one session: each gets, to the bit, the image and the reports that it gets alone. */

import { afterAll, describe, expect, it } from "vitest";
import { project } from "../../../src/attacks/constraint.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { crossEntropyObjective } from "../../../src/objectives/cross-entropy.ts";
import type { Device } from "../../../src/runtime/gpu/resident.ts";
import { startGpuRuntime } from "../../../src/runtime/gpu/runtime.ts";
import type {
  AscentEnd,
  AscentLabels,
  AscentRequest,
  AscentSession,
  AscentStep,
  ClimbedAscent,
  LedOrder,
  Walk,
} from "../../../src/runtime/session.ts";
import { openNodeDevice } from "../../../src/runtime/webgpu/node.ts";
import { compileGradient } from "../../../src/segmenter/compile.ts";
import { tensor } from "../../../src/tensor.ts";
import { gpuNote, hasGpu } from "../../support/gpu.ts";
import { noiseImage, noiseLabels } from "../../support/networks/image.ts";
import { tinyNetwork } from "../../support/networks/tiny.ts";

/** Labels of an image are no whole number of words. */
const size = { height: 13, width: 15 };
const network = tinyNetwork();
const objective = crossEntropyObjective(false);
const [pictures, steps] = [3, 6];

const opened: Device[] = [];
const open = async (): Promise<Device> => opened[opened.push(await openNodeDevice()) - 1]!;
const runtime = hasGpu ? startGpuRuntime(open) : null;
afterAll(() => {
  for (const { gpu } of opened) gpu.device.destroy();
});

const sessions = new Map<number, Promise<AscentSession>>();
const sessionOf = (batch: number): Promise<AscentSession> => {
  const made = async (): Promise<AscentSession> => {
    const { model } = compileGradient(network, size, objective, { target: "webgpu", batch });
    return (await runtime!).createAscent!(writeModel(model), { capture: true });
  };
  const session = sessions.get(batch) ?? made();
  sessions.set(batch, session);
  return session;
};

/** Balls of 2, 4 and 6, and steps that are no multiples of each other. */
const own = (i: number) => ({ epsilon: 2 * (i + 1), alpha: Math.fround(0.5 + 0.3 * i) });

const boundsOf = (i: number, share = 1) => {
  const { data } = noiseImage(size.height, size.width, i);
  const end = (side: number) =>
    project(new Float32Array(data.length).fill(side), data, { epsilon: share * own(i).epsilon, pixelRange: [0, 255] });
  return { low: end(-Infinity), high: end(Infinity) };
};

const walks: Readonly<Record<string, (i: number) => Walk>> = {
  sign: (i) => ({ kind: "sign", ...boundsOf(i), alpha: own(i).alpha }),
  momentum: (i) => ({ kind: "sign", ...boundsOf(i), alpha: own(i).alpha, momentum: 0.5 + 0.2 * i }),
  nesterov: (i) => ({ kind: "sign", ...boundsOf(i), alpha: own(i).alpha, momentum: 1, ahead: true }),
  l2: (i) => ({
    kind: "l2",
    centre: noiseImage(size.height, size.width, i).data,
    // The rounds of a projection follow from α/ε: they differ.
    alpha: 10 ** (2 * i),
    epsilon: 20,
    pixelRange: i === 1 ? null : [0, 255],
  }),
  led: (i) => ({ kind: "led", balls: [boundsOf(i), boundsOf(i, 0.5)] }),
};

const labelsFor = (i: number, seed: number): AscentLabels => ({
  labels: noiseLabels(size.height, size.width, 2 + i, seed, true).data,
  classes: 2 + i,
});

const requestOf = (walk: string, i: number, changes: Partial<AscentRequest> = {}): AscentRequest => {
  const { data, shape } = noiseImage(size.height, size.width, i);
  const labels = noiseLabels(size.height, size.width, 4, 9 * i, true);
  return {
    feeds: {
      image: tensor("float32", [1, ...shape], data),
      target: tensor("int32", [1, ...labels.shape], Int32Array.from(labels.data)),
    },
    walk: walks[walk]!(i),
    sense: i === 1 ? -1 : 1,
    steps,
    reference: labelsFor(i, 1),
    wanted: labelsFor(i, 2),
    ...changes,
  };
};

/** Every kind of move, each image its own, as APGD decides by the losses of an image alone. */
const orderOf = (i: number, { step }: AscentStep): LedOrder => {
  const moves: readonly LedOrder["move"][] = [
    { kind: "step", from: "here", size: 2 + i, isFirst: true },
    { kind: "step", from: "here", size: 2, isFirst: false },
    { kind: "step", from: "highest", size: 1, isFirst: false },
    { kind: "restart" },
  ];
  const move = step === steps ? ({ kind: "end" } as const) : moves[(step - 1 + (step > 1 ? i : 0)) % 4]!;
  return {
    isHighest: step % 2 === 1,
    isBest: (step + i) % 2 === 0 || step === steps,
    move,
    ball: step > 3 ? i % 2 : 0,
  };
};

interface Course {
  readonly end: AscentEnd;
  readonly told: readonly AscentStep[];
}

/** The ascents of these images in one session, and what each was told of. */
const ascended = async (
  requests: readonly (readonly [image: number, request: AscentRequest])[],
  changes: { readonly rounds?: number; readonly over?: number } = {},
): Promise<readonly Course[]> => {
  const told = requests.map((): AscentStep[] => []);
  const ends = await (
    await sessionOf(requests.length)
  ).ascend(
    requests.map(([, request]) => request),
    {
      rounds: changes.rounds,
      onSteps: (reports) =>
        Promise.resolve(
          reports.map((report, at) => {
            if (!report) return undefined;
            told[at]!.push(report);
            return { order: orderOf(requests[at]![0], report), isOver: requests[at]![0] === changes.over };
          }),
        ),
    },
  );
  return ends.map((end, i) => ({ end, told: told[i]! }));
};

const images = Array.from({ length: pictures }, (_, i) => i);
const imageIn = ({ end }: Course): Float32Array => (end as ClimbedAscent).image;

describe.skipIf(!hasGpu)(`ascents of ${pictures} images together${gpuNote}`, () => {
  it.each(Object.keys(walks))("are those of each alone, to the bit: %s", async (walk) => {
    const requests = images.map((i) => [i, requestOf(walk, i)] as const);
    const together = await ascended(requests);
    for (const [i, request] of requests.entries()) {
      const [alone] = await ascended([request]);
      expect(imageIn(together[i]!)).toEqual(imageIn(alone!));
      expect(together[i]).toEqual(alone);
      expect(imageIn(alone!)).not.toEqual(request[1].feeds["image"]!.data);
    }
    expect(new Set(together.map(({ told }) => told.at(-1)!.loss)).size).toBe(pictures);
  });

  it("end each after its own steps, and one where its watcher says so, and the others go on", async () => {
    const requests = images.map((i) => [i, requestOf("momentum", i, { steps: [3, 6, 4][i]! })] as const);
    const together = await ascended(requests, { over: 2 });
    expect(together.map(({ told }) => told.map(({ step }) => step))).toEqual([[1, 2, 3], [1, 2, 3, 4, 5, 6], [1]]);
    expect(together[2]!.end).toEqual({ kind: "over" });
    for (const i of [0, 1]) expect([together[i]]).toEqual(await ascended([requests[i]!]));
  });

  it.each(["momentum", "nesterov", "led"])("go on in another session where they were left: %s", async (walk) => {
    const requests = images.map((i) => [i, requestOf(walk, i)] as const);
    const [first, whole] = [await ascended(requests, { rounds: 2 }), await ascended(requests)];
    for (const [i, { end, told }] of first.entries()) {
      const from = (end as Extract<AscentEnd, { kind: "left" }>).state;
      const [rest] = await ascended([[i, { ...requests[i]![1], from }]]);
      expect(imageIn(rest!)).toEqual(imageIn(whole[i]!));
      expect([...told, ...rest!.told]).toEqual(whole[i]!.told);
    }
  });

  it("go on where their device is lost, from the last checkpoint, and what had ended is not asked for again", async () => {
    const devices: Device[] = [];
    const other = await startGpuRuntime(async () => devices[devices.push(await open()) - 1]!);
    const { model } = compileGradient(network, size, objective, { target: "webgpu", batch: pictures });
    const session = await other.createAscent!(writeModel(model), { capture: true });
    const requests = images.map((i) => requestOf("momentum", i, { steps: [1, 6, 5][i]!, checkpointEvery: 2 }));
    const told: (readonly (number | undefined)[])[] = [];
    const ends = await session.ascend(requests, {
      onSteps: (reports) => {
        if (told.push(reports.map((report) => report?.step)) === 3) devices[0]!.gpu.device.destroy();
        return Promise.resolve([]);
      },
    });
    expect(devices).toHaveLength(2);
    expect(told).toEqual([
      [1, 1, 1],
      ...[2, 3, 4, 5].map((step) => [undefined, step, step]),
      [undefined, 6, undefined],
    ]);
    for (const [i, request] of requests.entries()) {
      const [alone] = await ascended([[i, request]]);
      expect(ends[i]).toEqual(alone!.end);
    }
  });

  it("overflow in one image alone", async () => {
    const requests = images.map((i) => [i, requestOf("sign", i)] as const);
    const [i, broken] = requests[1]!;
    const image = { ...broken.feeds["image"]!, data: new Float32Array(3 * 13 * 15).fill(3e38) };
    const unbounded = { low: image.data.map(() => -3e38), high: image.data };
    const bad = {
      ...broken,
      feeds: { ...broken.feeds, image },
      walk: { ...broken.walk, ...unbounded },
    } as AscentRequest;
    const together = await ascended([requests[0]!, [i, bad], requests[2]!]);
    expect((together[1]!.end as ClimbedAscent).loss).not.toBeLessThan(Infinity);
    for (const at of [0, 2]) expect([together[at]]).toEqual(await ascended([requests[at]!]));
  });

  it("are refused where their walks differ in kind", async () => {
    const requests = [requestOf("sign", 0), requestOf("momentum", 1), requestOf("sign", 2)];
    const attempt = (await sessionOf(3)).ascend(requests);
    await expect(attempt).rejects.toThrow(/forms sign reference wanted, sign momentum/);
  });
});
