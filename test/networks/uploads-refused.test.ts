/** Networks that come by request and are refused; and what cannot be removed. */

import { describe, expect, it } from "vitest";
import { integer, random } from "../../src/random.ts";
import { memoryBucket } from "../store/memory-bucket.ts";
import type { TinyOptions } from "../support/networks/tiny.ts";
import { failureOf, serviceOf, tiny, type File } from "../service/tiny-service.ts";
import { fileOf, mine, open, serviceWith, upload } from "./upload-service.ts";

/** The file with each `from` in it as `to`, of the same length. */
const renamed = (bytes: Uint8Array, from: string, to: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll(from, to), "latin1"));

describe("an upload is refused", () => {
  const { bucket, objects } = memoryBucket();
  const service = serviceWith(bucket);
  const bytes = (content: string) => new Uint8Array(Buffer.from(content));

  it.each<[string, File, object]>([
    ["under the name of a shipped network", { ...mine, manifest: tiny.manifest }, { kind: "model-exists", model: "tiny", sha256: null }], // prettier-ignore
    ["where the file is none", { ...mine, bytes: bytes("<html></html>") }, { kind: "network-refused", reason: expect.stringMatching(/is an HTML page/) }], // prettier-ignore
    ["where the file is cut off", { ...mine, bytes: mine.bytes.slice(0, mine.bytes.length >> 1) }, { kind: "network-refused", reason: expect.stringMatching(/^model: .*truncated/) }], // prettier-ignore
    ["where an operator is not known", { ...mine, bytes: renamed(mine.bytes, "Tanh", "Tank") }, { kind: "network-refused", reason: expect.stringMatching(/node.*Tank/) }], // prettier-ignore
    ["where the output overflows", fileOf({ head: (op, z) => op.Div(z, op.constant(0)) }), { kind: "network-refused", reason: expect.stringMatching(/128×128.*overflows/) }], // prettier-ignore
    ["where it gives labels", fileOf({}, { output: { kind: "labels" } }), { kind: "manifest-mismatch", errors: [{ pointer: "/manifest/output/kind", detail: expect.stringMatching(/logits/) }] }], // prettier-ignore
    ["where the input has another name", fileOf({}, { input: { name: "x" } }), { kind: "manifest-mismatch", errors: [{ pointer: "/manifest/input/name", detail: expect.stringMatching(/only input/) }] }], // prettier-ignore
    ["where there are too few outputs", fileOf({ outputs: 3 }, { classes: 4 }), { kind: "manifest-mismatch", errors: [{ pointer: "/manifest/classes", detail: expect.stringMatching(/3 channels/) }] }], // prettier-ignore
    ["where its own size is too large for the memory", fileOf({}, { input: { width: 4096, height: 4096 } }), { kind: "memory-exceeded", largestFit: null }], // prettier-ignore
  ])("%s", async (_, file, failure) => {
    expect(await failureOf(upload(service, file, true))).toMatchObject(failure);
    expect(objects.size).toBe(0);
  });

  it("as a network where an operator is not known, also of a manifest that is to be found", async () => {
    const model = renamed(mine.bytes, "Tanh", "Tank");
    const refused = await failureOf(service.uploads!.add({ manifest: { name: "badop" }, model, replace: false }));
    expect(refused).toEqual({ kind: "network-refused", reason: expect.stringMatching(/^node Tank .*: operator Tank is not supported$/) }); // prettier-ignore
    expect(objects.size).toBe(0);
  });

  it("where its probabilities are none, unless it is said that they are independent", async () => {
    const independent = { head: (op, z) => op.Div(op.Add(op.Tanh(z), op.constant(1)), op.constant(2)) } as const satisfies TinyOptions; // prettier-ignore
    const kind = "probabilities";
    expect(await failureOf(upload(service, fileOf(independent, { output: { kind } })))).toMatchObject({
      kind: "manifest-mismatch",
      errors: [{ pointer: "/manifest/output/kind", detail: expect.stringMatching(/does not add up to 1.*"sigmoid" says that they are independent/) }], // prettier-ignore
    });
    const said = fileOf(independent, { output: { kind, activation: "sigmoid" }, classes: 5 });
    expect((await upload(service, said)).outcome).toBe("created");
    await service.uploads!.remove("mine");
  });

  it("where the digest is another file's", async () => {
    const manifest = { ...open(mine.manifest), sha256: "0".repeat(64) };
    expect(await failureOf(service.uploads!.add({ manifest, model: mine.bytes, replace: false }))).toMatchObject({
      kind: "manifest-mismatch",
      errors: [{ pointer: "/manifest/sha256", detail: expect.stringContaining(mine.manifest.sha256) }],
    });
    await service.uploads!.add({ manifest: mine.manifest, model: mine.bytes, replace: false });
    await service.uploads!.remove("mine");
  });

  it("where there is no room, unless it replaces", async () => {
    const narrow = serviceWith(memoryBucket().bucket, { maxUploads: 1 });
    await upload(narrow, mine);
    const another = fileOf({}, { name: "another" });
    expect(await failureOf(upload(narrow, another))).toEqual({ kind: "uploads-full", most: 1 });
    expect((await upload(narrow, fileOf({ seed: 5 }), true)).outcome).toBe("replaced");
    await narrow.uploads!.remove("mine");
    expect((await upload(narrow, another)).outcome).toBe("created");
  });

  it("where the service has no store", () => {
    expect(serviceOf([tiny]).uploads).toBeUndefined();
  });

  it("or taken, never a fault, whichever bytes of it are wrong", async () => {
    const next = random(1);
    const kinds = new Map<string, number>();
    for (let i = 0; i < 100; i++) {
      const bytes = mine.bytes.slice();
      // The graph's own bytes: at the beginning; weights are at the end.
      const reach = i % 2 === 0 ? bytes.length : Math.min(bytes.length, 700);
      for (let k = 0; k <= i % 3; k++) bytes[integer(next, 0, reach - 1)] = integer(next, 0, 255);
      const kind = await upload(service, { ...mine, bytes }, true).then(
        ({ outcome }) => outcome,
        (cause: unknown) => failureOf(Promise.reject(cause)).then((failure) => failure.kind),
      );
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect([...kinds.keys()]).toEqual(expect.arrayContaining(["network-refused", "replaced"]));
  });
});

describe("removing", () => {
  it("a shipped network, or one that is not there, is refused", async () => {
    const service = serviceWith(memoryBucket().bucket);
    expect(await failureOf(service.uploads!.remove("tiny"))).toEqual({ kind: "model-shipped", model: "tiny" });
    for (const name of ["mine", "../tiny", "", "a".repeat(2000)])
      expect(await failureOf(service.uploads!.remove(name))).toMatchObject({ kind: "unknown-model", model: name });
  });
});
