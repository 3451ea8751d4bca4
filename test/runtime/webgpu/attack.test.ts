/** The ascent that stays on the GPU makes the image that the attack on WASM makes, and reads nothing back on the way. */

import { toLeastLikely } from "../../support/aims.ts";
import { afterAll, describe, expect, it } from "vitest";
import { street } from "../../../bench/feeds.ts";
import { networks } from "../../../bench/networks.ts";
import { defaultSteps } from "../../../src/attacks/catalogue.ts";
import { distanceOf } from "../../../src/attacks/norms.ts";
import { measure } from "../../../src/evaluation/measure.ts";
import type { AttackPlan } from "../../../src/evaluation/plan.ts";
import { countsOf, scoresOf } from "../../../src/metrics/counts.ts";
import type { AttackName } from "../../../src/attacks/catalogue.ts";
import { iouRatio } from "../../../src/metrics/counts.ts";
import { DeviceLostError } from "../../../src/runtime/gpu/error.ts";
import { startGpuRuntime } from "../../../src/runtime/gpu/runtime.ts";
import type { Device } from "../../../src/runtime/gpu/resident.ts";
import type { AscentStep, Bounds, LedOrder } from "../../../src/runtime/session.ts";
import { startWasm } from "../../../src/runtime/wasm/wasm.ts";
import { openNodeDevice } from "../../../src/runtime/webgpu/node.ts";
import type { DeviceAscent } from "../../../src/segmenter/climb.ts";
import type { Network } from "../../../src/segmenter/network.ts";
import { SessionCache } from "../../../src/segmenter/session-cache.ts";
import { createSegmenter, type Image, type Labels, type Segmenter } from "../../../src/segmenter/segmenter.ts";
import { networkSize } from "../../../src/segmenter/size.ts";
import { gpuNote, hasGpu, isHardware } from "../../support/gpu.ts";
import { noiseImage } from "../../support/networks/image.ts";
import { tinyNetwork } from "../../support/networks/tiny.ts";

const opened: Device[] = [];
const open = async (): Promise<Device> => {
  const device = await openNodeDevice();
  opened.push(device);
  return device;
};
afterAll(() => {
  for (const { gpu } of opened) gpu.device.destroy();
});

const gpuRuntime = hasGpu ? startGpuRuntime(open) : null;
const wasm = new SessionCache(startWasm(), 2 ** 30);
const onWasm = (network: Network): Segmenter => createSegmenter(network, wasm);
/** Compiling shaders takes software Vulkan seconds: attacks of one objective find their session compiled. */
const gpuCache = gpuRuntime?.then((runtime) => new SessionCache(runtime, 2 ** 30));
const onGpu = async (network: Network): Promise<Segmenter> => createSegmenter(network, (await gpuCache)!);
const tiny = tinyNetwork();

const planOf = (attack: AttackName, epsilon = 8, alpha = 1): AttackPlan => {
  const steps = Math.min(defaultSteps(attack, { epsilon }), 10);
  return { attack, epsilon, alpha, steps, pixelRange: "clip", seed: 7 };
};

/** Share of the values that have moved another way. */
const movedApart = (a: Image, b: Image, from: Image): number => {
  const way = (image: Image, i: number) => Math.sign(image.data[i]! - from.data[i]!);
  return from.data.filter((_, i) => way(a, i) !== way(b, i)).length / from.data.length;
};

const ratioOf = (clean: Labels, after: Labels, classes: number): number =>
  iouRatio(scoresOf(countsOf(after, clean, classes)), scoresOf(countsOf(clean, clean, classes)))!;

/** On both backends; what differs. */
const compared = async (network: Network, image: Image, plan: AttackPlan) => {
  const [expected, actual] = [
    await measure({ segmenter: onWasm(network), image, item: "noise" }, plan),
    await measure({ segmenter: await onGpu(network), image, item: "noise" }, plan),
  ];
  const classes = network.manifest.classes.length;
  const ratio = ({ clean, float }: typeof expected) => ratioOf(clean.labels, float.labels, classes);
  return {
    expected,
    actual,
    apart: movedApart(actual.float.image, expected.float.image, image),
    ratios: [ratio(actual), ratio(expected)] as const,
  };
};

/** Bytes of the buffers that the device is read through from now on: each is made for one reading. */
const bytesRead = (device: GPUDevice): (() => number) => {
  let bytes = 0;
  const create = device.createBuffer.bind(device);
  Object.defineProperty(device, "createBuffer", {
    configurable: true,
    writable: true,
    value: (descriptor: GPUBufferDescriptor) => {
      bytes += (descriptor.usage & 1) === 0 ? 0 : descriptor.size; // GPUBufferUsage.MAP_READ
      return create(descriptor);
    },
  });
  return () => bytes;
};

/** Compiling the graphs of real networks and of many objectives takes minutes of software Vulkan: FAULTLINE_ALL_ON_GPU=1 runs them all. */
const all = process.env["FAULTLINE_ALL_ON_GPU"] === "1";

const attacks: readonly AttackName[] = [
  ...([
    "fgsm",
    "fgsm-ii",
    "ifgsm",
    "ifgsm-ii",
    "pgd",
    "cospgd",
    "tsallis-pgd",
    "mi-fgsm",
    "ni-fgsm",
    "apgd-tsallis",
  ] as const),
  ...(all ? (["segpgd", "apgd", "sea"] as const) : []),
];

/** A ball whose radius is about that of 2 grey levels in every value, of pictures of 24×32. */
const inL2 = { norm: "l2", epsilon: 100, alpha: 15 } as const;

describe.skipIf(!hasGpu)(`an attack on the device${gpuNote}`, () => {
  it.each([
    ...attacks.map((attack) => [attack, {}] as const),
    ["apgd", { target: 2 }] as const, // towards a class: it is judged by other labels than each step is compared with
    ["pgd", inL2] as const,
    ["pgd", { ...inL2, target: 2 }] as const, // which descends
  ])("%s is WASM's, step by step: %o", async (attack, changes) => {
    const image = noiseImage(24, 32, 5);
    // α is no float32: both round it.
    const plan: AttackPlan = { ...planOf(attack, 8, 0.7), ...changes };
    const { expected, actual, apart, ratios } = await compared(tiny, image, plan);
    const moved = distanceOf(actual.float.image.data, image.data, plan.norm ?? "linf");
    expect(moved).toBeLessThanOrEqual(plan.epsilon!);
    expect(apart).toBeLessThanOrEqual(0.001);
    expect(Math.abs(ratios[0] - ratios[1])).toBeLessThanOrEqual(0.005);
    expect(actual.row.masking.zeroGradientShare).toBe(expected.row.masking.zeroGradientShare);
    expect(actual.row.evaluations).toEqual(expected.row.evaluations);
    expect(actual.steps.map(({ step, steps }) => [step, steps])).toEqual(expected.steps.map((s) => [s.step, s.steps]));
    for (const [i, { loss, changedPixelShare }] of expected.steps.entries()) {
      expect(Math.abs(actual.steps[i]!.loss / loss - 1)).toBeLessThanOrEqual(1e-4);
      expect(Math.abs(actual.steps[i]!.changedPixelShare - changedPixelShare)).toBeLessThanOrEqual(0.002);
    }
  });

  /** Feeds and the ball of an ascent on the tiny network. */
  const ascentOf = (image: Image, own: { readonly momentum?: number; readonly ahead?: boolean } = {}): DeviceAscent => {
    const low = image.data.map((v) => Math.max(0, v - 8));
    const high = image.data.map((v) => Math.min(255, v + 8));
    return { start: image, walk: { kind: "sign", low, high, alpha: 1, ...own }, steps: 6 };
  };

  it("reads back the last loss and the image, and between steps only what is asked for", async () => {
    const image = noiseImage(24, 32, 5);
    const climb = (await onGpu(tiny)).onDevice(toLeastLikely)!;
    await climb(ascentOf(image)); // compiled
    const bytes = bytesRead(opened.at(-1)!.gpu.device);
    await climb(ascentOf(image));
    expect(bytes()).toBe(4 + 4 * image.data.length);
    await climb(ascentOf(image, { momentum: 1, ahead: true }));
    await climb({ ...ascentOf(image), walk: { kind: "l2", centre: image.data, ...inL2, pixelRange: [0, 255] } });
    const unscored = 3 * (4 + 4 * image.data.length);
    expect(bytes()).toBe(unscored);
    const scored: AscentStep[] = [];
    const reference = { labels: new Uint8Array(24 * 32), classes: 4 };
    await climb({ ...ascentOf(image), reference }, { onStep: (step) => void scored.push(step) });
    const [perStep, zeros] = [4 + (16 + 4 * 4), 4 * 4 * 3];
    expect(bytes() - unscored).toBe(6 * perStep + zeros + 4 + 4 * image.data.length);
    expect(scored.map(({ scores }) => scores!.pixels)).toEqual(Array.from({ length: 6 }, () => 24 * 32));
    const before = bytes();
    await climb(walkOf(image, { led: true }), { onStep: ({ step }) => ({ order: orders[step - 1] }) });
    expect(bytes() - before).toBe(6 * 4 + zeros + 4 + 4 * image.data.length);
    await expect(climb(walkOf(image, { led: true }))).rejects.toThrow(/no order/);
  });

  /** Every move of a walk that is led; the last step's image is the best. */
  const orders: readonly LedOrder[] = (
    [
      { kind: "step", from: "here", size: 16, isFirst: true },
      { kind: "restart" },
      { kind: "step", from: "here", size: 8, isFirst: true },
      { kind: "step", from: "here", size: 8, isFirst: false },
      { kind: "step", from: "highest", size: 4, isFirst: false },
      { kind: "end" },
    ] as const
  ).map((move, i) => ({ isHighest: i === 2, isBest: i === 1 || i === 5, move, ball: i > 0 ? 1 : 0 }));

  /** The ascent by signs; where `led`, by the orders, in the ball and in one of half the radius. */
  const walkOf = (image: Image, { led, ...own }: { readonly led?: boolean; readonly momentum?: number }) => {
    const ascent = ascentOf(image, { ...own, ahead: own.momentum !== undefined });
    const { low, high } = ascent.walk as Bounds;
    const half = (end: Float32Array) => end.map((v, i) => (v + image.data[i]!) / 2);
    const balls = [
      { low, high },
      { low: half(low), high: half(high) },
    ];
    return led ? { ...ascent, walk: { kind: "led", balls } as const } : ascent;
  };

  it.each([
    { checkpointEvery: 4, own: { led: true }, lost: [3, 5], reported: "replayed from the start, and then from step 4" },
    { checkpointEvery: 2, own: { momentum: 1 }, lost: [3], reported: "from step 2" },
  ])("goes on where its device is lost, $reported", async ({ checkpointEvery, lost, own }) => {
    const image = noiseImage(24, 32, 5);
    const network = tinyNetwork();
    const ascent = { ...walkOf(image, own), checkpointEvery };
    const answer = ({ step }: AscentStep) => ({ order: orders[step - 1] });
    const expected = await (await onGpu(network)).onDevice(toLeastLikely)!(ascent, { onStep: answer });
    const devices: Device[] = [];
    const runtime = await startGpuRuntime(async () => devices[devices.push(await open()) - 1]!);
    const segmenter = createSegmenter(network, new SessionCache(runtime, 2 ** 30));
    const told: number[] = [];
    const actual = await segmenter.onDevice(toLeastLikely)!(ascent, {
      onStep: (report) => {
        told.push(report.step);
        if (lost.includes(report.step)) devices.at(-1)!.gpu.device.destroy();
        return answer(report);
      },
    });
    expect(actual.data).toEqual(expected.data);
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    expect(devices).toHaveLength(lost.length + 1);
    expect(runtime.restarts!()).toBe(lost.length);
    // Sessions on the new device.
    expect((await segmenter.predict(image)).labels.shape).toEqual([24, 32]);
  });

  it("gives up where each new device is lost too, saying so", async () => {
    const image = noiseImage(24, 32, 5);
    const own: Device[] = [];
    const runtime = await startGpuRuntime(async () => {
      const device = await open();
      if (own.push(device) > 1) device.gpu.device.destroy();
      return device;
    });
    const segmenter = createSegmenter(tinyNetwork(), new SessionCache(runtime, 2 ** 30));
    const attempt = segmenter.onDevice(toLeastLikely)!(ascentOf(image), {
      onStep: () => own[0]!.gpu.device.destroy(),
    });
    await expect(attempt).rejects.toThrow(DeviceLostError);
    expect(own).toHaveLength(3);
  });

  it("stops when it is aborted, with the signal's reason", async () => {
    const climb = (await onGpu(tiny)).onDevice(toLeastLikely)!;
    const stop = new AbortController();
    const attempt = climb(ascentOf(noiseImage(24, 32, 5)), { signal: stop.signal, onStep: () => stop.abort("enough") });
    await expect(attempt).rejects.toBe("enough");
  });

  const shipped = networks().filter(({ manifest }) => manifest.network === undefined);
  const attacked = shipped.filter(({ manifest: { name } }) => all || name === "enet-street");
  it.each(attacked.map((network) => [network.manifest.name, network] as const))(
    "ten steps on a street by %s",
    { timeout: 1_800_000 },
    async (_, network) => {
      const size = networkSize(network.manifest, all ? { height: 360, width: 480 } : { height: 32, width: 48 });
      const image = await street(size);
      const { apart, ratios } = await compared(network, image, planOf("ifgsm"));
      expect(apart).toBeLessThanOrEqual(isHardware ? 0.5 : 0.001);
      expect(Math.abs(ratios[0] - ratios[1]), `IoU ratios ${ratios.join(" and ")}`).toBeLessThanOrEqual(0.005);
    },
  );
});
