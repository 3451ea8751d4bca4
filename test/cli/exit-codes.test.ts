/** Exit codes: 2 for a wrong command line, 1 for what is named and cannot be used, whichever the command. */

import { mkdirSync } from "node:fs";
import { expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { at, Refusal, UsageError } from "../../src/node/failure.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
mkdirSync(path("net"));
const { bytes, manifest } = tinyFile();
put("net/model.onnx", bytes);
put("net/manifest.json", JSON.stringify(manifest));
const net = path("net");
const [first, second] = [5, 6].map((seed) => put(`${seed}.png`, encodePng(noiseImage(8, 12, seed)))) as [
  string,
  string,
];
const spec = put("spec.yml", `networks: [${net}]\nattacks: [{ attack: fgsm, steps: 3 }]\n`);
const torn = put("torn.onnx", "torn");
const fresh = ["-o", path("none.jsonl")];

it.each<readonly [1 | 2, RegExp, readonly string[]]>([
  // The command line alone.
  [2, /there is no command "explain"/, ["explain"]],
  [2, /IMAGE… is missing/, ["attack", net]],
  [2, /--attack must be one of/, ["attack", net, first, "--attack", "pdg"]],
  [2, /--backend must be one of/, ["certify", net, first, "--backend", "tpu"]],
  [2, /--redis here: an address is/, ["worker", "--redis", "here"]],
  [
    2,
    /which WebGPU does not promise/,
    ["certify", net, first, "--method", "interval", "--epsilon", "1", "--backend", "webgpu"],
  ],
  // An option of an attack, by each command that takes one.
  [2, /momentum/, ["attack", net, first, "--attack", "fgsm", "--momentum", "1"]],
  [2, /fgsm has no option momentun/, ["evaluate", net, "--attacks", "fgsm:momentun=1", ...fresh]],
  [2, /momentum must be absent: fgsm has/, ["evaluate", net, "--attacks", "fgsm:momentum=1", ...fresh]],
  // Options that do not go with what is named.
  [2, /--hierarchy manifest: the manifest of tiny has no/, ["certify", net, first, "--hierarchy", "manifest"]],
  [2, /--samples: 96 pixels need at least/, ["certify", net, first, "--samples", "5/5"]],
  [2, /is one file for 2 pictures/, ["attack", net, first, second, "--labels", first]],
  // What is named and cannot be used.
  [1, /no such file/, ["inspect", path("absent.onnx")]],
  [1, /torn.onnx/, ["inspect", torn]],
  [1, /no such file or folder/, ["attack", path("absent"), first]],
  [1, /no such file/, ["attack", net, path("absent.png"), "-o", path("out")]],
  [1, /no such file/, ["certify", net, first, "--hierarchy", path("absent.json")]],
  [1, /no such file/, ["report", path("absent.jsonl")]],
  [1, /spec.yml: attacks: fgsm: steps must be 1: fgsm takes one step/, ["evaluate", spec, ...fresh]],
  // A gate's 1 is a network that is too fragile.
  [2, /no such file/, ["gate", path("absent.jsonl"), "--policy", put("policy.yml", "rules: [{ masking: none }]")]],
  [2, /no such file/, ["gate", path("absent.jsonl"), "--policy", path("absent.yml")]],
])("%i: %s", async (code, message, argv) => {
  const ended = await faultline(...argv);
  expect(ended.stderr).toMatch(message);
  expect(ended.code).toBe(code);
});

it("a place that is put before a message leaves its kind", async () => {
  const of = (cause: Error) => at("a.png", () => Promise.reject(cause));
  await expect(of(new UsageError("no"))).rejects.toThrow(UsageError);
  await expect(of(new Refusal("no"))).rejects.toThrow(Refusal);
});
