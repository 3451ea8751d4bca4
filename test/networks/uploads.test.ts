/** Networks that come by request: what is kept, and that every request finds them. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Service } from "../../src/contract/service.ts";
import { bucketUploads, type Bucket } from "../../src/store/bucket.ts";
import { memoryBucket } from "../store/memory-bucket.ts";
import type { ManifestChanges } from "../support/networks/tiny.ts";
import { failureOf, grid, imagePng, pngOf, serviceOf, spec } from "../service/tiny-service.ts";
import { noiseLabels } from "../support/networks/image.ts";
import { fileOf, mine, segmented, serviceWith, upload } from "./upload-service.ts";

describe("an upload", () => {
  it.each<[string, ManifestChanges, RegExp]>([
    ["network", { network: "tiny" }, /^is for variants of shipped networks, which share a file/],
    ["input/fit", { input: { fit: "pad", width: 64 } }, /^is "pad", which a fixed 64 forbids/],
    ["scales", { scales: [1, 1] }, /^are 1, 1: one is there twice$/],
  ])("is refused for its %s", async (field, changes, detail) => {
    const { bucket } = memoryBucket();
    expect(await failureOf(upload(serviceWith(bucket), fileOf({}, changes)))).toEqual({
      kind: "manifest-mismatch",
      errors: [{ pointer: `/manifest/${field}`, detail: expect.stringMatching(detail) }],
    });
    expect(await bucketUploads(bucket).list()).toEqual([]);
  });

  const fixture = (name: string) =>
    new Uint8Array(readFileSync(new URL(`../fixtures/networks/${name}`, import.meta.url)));
  const [beside, weights] = [fixture("net.onnx"), fixture("net.onnx.data")];

  it("whose weights are in another file is kept as one, and runs", async () => {
    const { bucket } = memoryBucket();
    const service = serviceWith(bucket);
    const add = (names: readonly string[]) =>
      service.uploads!.add({
        manifest: { name: "mine" },
        model: beside,
        data: names.map((name) => ({ name, bytes: weights })),
        replace: false,
      });
    const { outcome, model } = await add(["net.onnx.data"]);
    expect([outcome, model.bytes > weights.length]).toEqual(["created", true]);
    expect((await add(["net.onnx.data"])).outcome).toBe("unchanged");
    const again = serviceWith(bucket);
    expect(new Set(await segmented(again)).size).toBeGreaterThan(1);
    // What was assumed of the network stays with it, and each answer says so.
    const { notes } = await again.segment({ model: "mine", image: imagePng });
    expect(notes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /which is a guess: .*; the manifest's "input" says it with mean, std, scale and channels/,
        ),
      ]),
    );
    const { receipt } = await again.attack({ spec: { ...spec, model: "mine" }, image: imagePng, outputs: [] }, {});
    expect(receipt.notes).toEqual(notes);
  });

  it.each<[string, readonly string[], RegExp]>([
    ["no such file", [], /its weights are in another file, "net\.onnx\.data"; give that file too/],
    ["a file of another name", ["net.bin"], /weights are in "net\.onnx\.data"; the files given are "net\.bin"/],
    [
      "a path that leaves the folder",
      ["../net.onnx.data"],
      /^data: its name is "\.\.\/net\.onnx\.data", which is no path in the folder/,
    ],
    ["a file too many", ["net.onnx.data", "more.data"], /no weights of the model are in "more\.data"/],
    ["two files of a name", ["net.onnx.data", "net.onnx.data"], /there are two files "net\.onnx\.data"/],
  ])("is refused with %s for its weights", async (_, names, reason) => {
    const { bucket } = memoryBucket();
    const data = names.map((name) => ({ name, bytes: weights }));
    const run = serviceWith(bucket).uploads!.add({ manifest: { name: "mine" }, model: beside, data, replace: false });
    expect(await failureOf(run)).toEqual({ kind: "network-refused", reason: expect.stringMatching(reason) });
    expect(await bucketUploads(bucket).list()).toEqual([]);
  });

  it("tells how it sees images", async () => {
    const input = { fit: "tile", width: 256, height: 192, overlap: 32 } as const;
    const file = fileOf({}, { input, scales: [0.5, 1], fusion: "mean" });
    // A small budget, in which the search for the largest image compiles few tiles.
    const { model } = await upload(serviceWith(memoryBucket().bucket, { budgetBytes: 24 * 2 ** 20 }), file);
    expect(model).toMatchObject({ input, scales: [0.5, 1], fusion: "mean" });
    expect(model.memory!.map(({ width }) => width)).toEqual([320, 640]);
  });

  it("is told as its manifest and its network are", async () => {
    const { outcome, model } = await upload(serviceWith(memoryBucket().bucket), mine);
    expect(outcome).toBe("created");
    expect(model).toMatchObject({
      name: "mine",
      sha256: mine.manifest.sha256,
      bytes: mine.bytes.length,
      classes: mine.manifest.classes,
      metrics: {},
      gradient: { supported: true, unsupportedOperators: [] },
    });
    const [small, large] = model.memory!;
    expect([small, large]).toMatchObject([{ width: 320 }, { width: 640, height: 480 }]);
    expect(large!.attackBytes!).toBeGreaterThan(large!.segmentBytes);
    expect(large!.segmentBytes).toBeGreaterThan(small!.segmentBytes);
    expect(model.largestAttack!.width).toBeGreaterThan(100);
  });

  it("is described from its file, where no manifest comes with it", async () => {
    const service = serviceWith(memoryBucket().bucket);
    const add = () => service.uploads!.add({ manifest: {}, model: mine.bytes, replace: false });
    const { outcome, model, assumed } = await add();
    expect(outcome).toBe("created");
    expect(model.name).toBe(`network-${mine.manifest.sha256.slice(0, 12)}`);
    expect(model).toMatchObject({ precision: "fp32", input: { channels: "RGB", width: "dynamic" }, gradient: { supported: true } }); // prettier-ignore
    expect(model.classes).toHaveLength(4);
    expect(assumed.join(" ")).toMatch(/like "imagenet", which is a guess/);
    expect((await add()).outcome).toBe("unchanged");
    expect(new Set(await segmented(service, model.name)).size).toBeGreaterThan(1);
    // A part of a manifest is kept as it is given.
    const named = await service.uploads!.add({ manifest: { name: "named", input: mine.manifest.input }, model: mine.bytes, replace: false }); // prettier-ignore
    expect(named.model).toMatchObject({ name: "named", input: { mean: mine.manifest.input.mean } });
  });

  it("can be asked for by every request, and gives what it gives when it is shipped", async () => {
    const [service, shipping] = [serviceWith(memoryBucket().bucket), serviceOf([mine])];
    expect(await failureOf(segmented(service))).toMatchObject({ kind: "unknown-model", accepted: ["tiny"] });
    await upload(service, mine);
    expect((await service.models()).map(({ name }) => name)).toEqual(["tiny", "mine"]);
    const answers = async (s: Service) => {
      const labels = pngOf(noiseLabels(12, 16, 4));
      const own = { ...spec, model: "mine" };
      const { scores, receipt } = await s.attack({ spec: own, image: imagePng, labels, outputs: [] }, {});
      const { curve } = await s.robustness({ spec: { ...grid, model: "mine" }, image: imagePng }, {});
      const classes = { kind: "model", model: "mine" } as const;
      const score = await s.score({ classes, prediction: labels, reference: labels });
      return { scores, receipt, curve, score, labels: await segmented(s), info: await s.model("mine") };
    };
    const [uploaded, shipped] = [await answers(service), await answers(shipping)];
    expect(uploaded).toEqual(shipped);
    expect(uploaded.receipt.modelSha256).toBe(mine.manifest.sha256);
  });

  it("is found by every service over the same bucket, replaced and removed there at once", async () => {
    const { bucket, objects } = memoryBucket();
    const [one, other] = [serviceWith(bucket), serviceWith(bucket)];
    await upload(one, mine);
    const before = await segmented(other);
    expect(before).toEqual(await segmented(one));
    const better = fileOf({ seed: 3 });
    expect((await upload(one, better, true)).outcome).toBe("replaced");
    const after = await segmented(other);
    expect(after).not.toEqual(before);
    expect(after).toEqual(await segmented(serviceOf([better]), "mine"));
    expect(objects.size).toBe(2);
    await one.uploads!.remove("mine");
    expect(objects.size).toBe(0);
    expect(await failureOf(segmented(other))).toMatchObject({ kind: "unknown-model" });
    expect((await other.models()).map(({ name }) => name)).toEqual(["tiny"]);
  });

  it("that comes again changes nothing; another, or another manifest, must be meant", async () => {
    const { bucket, objects } = memoryBucket();
    const service = serviceWith(bucket);
    await upload(service, mine);
    const kept = new Map(objects);
    expect((await upload(service, mine)).outcome).toBe("unchanged");
    expect((await upload(service, mine, true)).outcome).toBe("unchanged");
    const darker = fileOf({}, { sha256: mine.manifest.sha256, input: { mean: [0, 0, 0] } });
    for (const other of [fileOf({ seed: 4 }), darker]) {
      const failure = await failureOf(upload(service, other));
      expect(failure).toEqual({ kind: "model-exists", model: "mine", sha256: mine.manifest.sha256 });
    }
    expect(objects).toEqual(kept);
    const before = await segmented(service);
    await upload(service, darker, true);
    expect(await segmented(service)).toEqual(await segmented(serviceOf([darker]), "mine"));
    expect(await segmented(service)).not.toEqual(before);
  });

  it("without a gradient is kept, and says so", async () => {
    const service = serviceWith(memoryBucket().bucket);
    const odd = fileOf({ head: (op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]! });
    const { model } = await upload(service, odd);
    expect(model.gradient).toEqual({ supported: false, unsupportedOperators: ["Mod"] });
    expect(model.memory![0]!.attackBytes).toBeNull();
    await segmented(service);
    const attack = service.attack({ spec: { ...spec, model: "mine" }, image: imagePng, outputs: [] }, {});
    expect(await failureOf(attack)).toMatchObject({ kind: "gradient-unsupported", operators: ["Mod"] });
  });

  it("of fixed size is tried at that size", async () => {
    const fixed = fileOf({}, { input: { width: 40, height: 24 } });
    const { model } = await upload(serviceWith(memoryBucket().bucket), fixed);
    expect(model.memory).toMatchObject([{ width: 40, height: 24 }]);
  });

  it("is listed without being opened, except by another version", async () => {
    const { bucket } = memoryBucket();
    await upload(serviceWith(bucket), mine);
    const read: string[] = [];
    const get: Bucket["get"] = (key) => {
      read.push(key.split("/")[0]!);
      return bucket.get(key);
    };
    const list = async (version: string) => {
      read.length = 0;
      const [, info] = await serviceWith({ ...bucket, get }, { version }).models();
      return { info, read: [...read] };
    };
    const [same, other] = [await list("1.2.3"), await list("1.2.4")];
    expect(same.read).toEqual(["manifests"]);
    expect(other.read).toContain("networks");
    expect(other.info).toEqual(same.info);
  });
});
