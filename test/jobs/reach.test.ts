/** What an evaluation attacks beside a network alone: regions, other scales, ensembles, and with perturbations that are there already. */

import { expect, it } from "vitest";
import { attacksOf, planOf, type AttackOf } from "../../src/evaluation/attacks-of.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { RegionCounts } from "../../src/evaluation/region-goal.ts";
import { filledRegion, regionOf, swappedLabels } from "../../src/evaluation/region.ts";
import { unitId, type Row } from "../../src/evaluation/row.ts";
import { networksOf, settingOpener, settle } from "../../src/evaluation/settings.ts";
import { parseSpec, SpecError, type GivenSpec } from "../../src/evaluation/spec.ts";
import { planUnits } from "../../src/evaluation/plan-units.ts";
import { withDelta } from "../../src/evaluation/universal.ts";
import { createPerformer } from "../../src/jobs/perform.ts";
import { countsOf } from "../../src/metrics/counts.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { ensembleOf } from "../../src/segmenter/ensemble.ts";
import { createSegmenter, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const networks = [
  tinyNetwork({ activation: "Tanh" }, { name: "a", sha256: "a".repeat(64) }),
  tinyNetwork({ seed: 2 }, { name: "b", sha256: "b".repeat(64) }),
] as const;
const manifests = networks.map(({ manifest }) => manifest);
const cache = new SessionCache(startWasm(), 2 ** 30);
const [a, b] = networks.map((network) => createSegmenter(network, cache)) as [
  ReturnType<typeof createSegmenter>,
  ReturnType<typeof createSegmenter>,
];
const image = noiseImage(12, 16, 1);
const classNames = manifests[0]!.classes.map(({ name }) => name);
/** Of three of the four classes: the last is nowhere. */
const truth = noiseLabels(12, 16, 3, 1);
const delta = tensor(
  "float32",
  [3, 12, 16],
  noiseImage(12, 16, 9).data.map((v) => (v - 128) / 16),
);
const deltas = new Map([["delta.npy", delta]]);

const evaluated = async (given: Omit<GivenSpec, "networks">, names = ["a"]): Promise<readonly Row[]> => {
  const spec = parseSpec({ networks: names, epsilon: 4, ...given });
  const known = networksOf(spec).map((name) => manifests.findIndex((manifest) => manifest.name === name));
  const { groups, settings } = await planUnits(
    spec,
    known.map((k) => manifests[k]!),
    ["one"],
    { deltas },
  );
  const opened = settingOpener(
    (place) => Promise.resolve(networks[known[place]!]!),
    (network) => createSegmenter(network, cache),
    3,
  );
  const perform = createPerformer({
    segmenterOf: async (setting, seed) => settle(await opened(settings[setting]!), settings[setting]!, seed),
    read: () => Promise.resolve({ image, truth }),
    readDelta: (path) => Promise.resolve(deltas.get(path)!),
    nameOf: () => "one",
    seed: 0,
    small: 0.01,
    version: "0",
  });
  const rows: Row[] = [];
  for (const group of groups)
    for (const outcome of await perform([group])) {
      if (!("row" in outcome)) throw new Error(outcome.error);
      rows.push(outcome.row);
    }
  const planned = groups.flatMap(({ units }) => units.map(({ id }) => id));
  expect(rows.map(({ id }) => id)).toEqual(planned);
  expect(await Promise.all(rows.map(({ unit }) => unitId(unit)))).toEqual(planned);
  return rows.filter(({ unit }) => unit.attack !== null);
};

const attackAt = (given: Omit<GivenSpec, "networks">, at = 0): AttackOf =>
  attacksOf(parseSpec({ networks: ["a"], epsilon: 4, ...given }), { classes: manifests[0]!.classes, deltas })[at]!;

/** By loops over the pixels. */
const counted = (
  wanted: Labels,
  base: Labels,
  inside: (i: number) => boolean,
  before: Labels,
  after: Labels,
): RegionCounts => {
  const counts = { pixels: 0, reached: 0, elsewhere: 0, kept: 0 };
  for (let i = 0; i < base.data.length; i++)
    if (inside(i)) {
      counts.pixels += 1;
      counts.reached += Number(after.data[i] === wanted.data[i]);
    } else {
      counts.elsewhere += 1;
      counts.kept += Number(after.data[i] === before.data[i]);
    }
  return counts;
};

it("regions are those of the source's prediction or of the ground truth, and their pixels are counted", async () => {
  const hide = { kind: "hide", classes: [classNames[1]!] } as const;
  const swap = { kind: "swap", classes: [0], to: classNames[2]!, outside: "free" } as const;
  const attacks = [
    { attack: "ifgsm", targeted: hide } as const,
    { attack: "ifgsm", targeted: swap, label: "ground-truth" } as const,
  ];
  const [hidden, swapped] = await evaluated({ attacks });
  const before = (await a.predict(image)).labels;
  const region = regionOf(before, [1]);
  const target = filledRegion(before, region);
  const own = await measure(
    { segmenter: a, image, item: "one", truth },
    planOf(attackAt({ attacks }), truth, { target }),
  );
  expect(hidden!.counts).toEqual(own.row.counts);
  expect(hidden!.unit.attack).toMatchObject({ targeted: { ...hide, outside: "keep" } });
  expect(hidden!.region!.uint8).toEqual(counted(target, before, (i) => region.data[i] === 1, before, own.uint8.labels));
  expect(hidden!.region!.float.reached).toBeGreaterThan(hidden!.region!.clean.reached);
  const free = tensor(
    "uint8",
    truth.shape,
    truth.data.map((label) => (label === 0 ? 2 : 255)),
  );
  const other = await measure(
    { segmenter: a, image, item: "one", truth },
    planOf(attackAt({ attacks }, 1), truth, { target: free }),
  );
  expect(swapped!.counts).toEqual(other.row.counts);
  const to = swappedLabels(truth, 0, 2);
  expect(swapped!.region!.float).toEqual(counted(to, truth, (i) => truth.data[i] === 0, before, other.float.labels));
});

it("a picture without the region stays as it is", async () => {
  const targeted = { kind: "hide", classes: [3], outside: "free" } as const;
  const rows = await evaluated({ attacks: ["ifgsm", "fmn"], label: "ground-truth", targeted });
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    expect(row.region!.float).toEqual({ pixels: 0, reached: 0, elsewhere: 0, kept: 0 });
    expect(row.counts.float).toEqual(row.counts.clean);
    expect(row.distances).toEqual({ l2: 0, linf: 0 });
    expect(row).not.toHaveProperty("success");
  }
});

it("scales are attacked through, or around them at the network's own", async () => {
  const scales = [[0.5, 1], { scales: [1, 1.5], fusion: "mean", attacked: false }] as const;
  const rows = await evaluated({
    attacks: ["ifgsm"],
    scales: scales.map((one) => ("scales" in one ? { ...one, scales: [...one.scales] } : [...one])),
  });
  const plan = planOf(attackAt({ attacks: ["ifgsm"] }), truth);
  const subject = { image, item: "one", truth, version: "0" };
  const seen = a.withScales([1, 1.5], "mean");
  const expected = [
    (await measure({ ...subject, segmenter: a }, plan)).row,
    (await measure({ ...subject, segmenter: seen, source: a }, plan)).row,
    (await measure({ ...subject, segmenter: a.withScales([0.5, 1]) }, plan)).row,
  ];
  expect(rows.map((row) => ({ ...row, small: undefined }))).toEqual(expected);
  expect(rows.map(({ unit }) => [unit.around?.variant, unit.source?.[0]])).toEqual([
    [undefined, undefined],
    ["a@1,1.5 mean", "a"],
    ["a@0.5,1", undefined],
  ]);
});

it("an ensemble is a source, at scales of its own too", async () => {
  const rows = await evaluated({ attacks: ["ifgsm"], transferFrom: [{ networks: ["a", "b"], scales: [0.5, 1] }] });
  const source = createSegmenter(ensembleOf([networks[0], networks[1]]), cache).withScales([0.5, 1]);
  const { row } = await measure(
    { segmenter: a, source, image, item: "one", truth, version: "0" },
    planOf(attackAt({ attacks: ["ifgsm"] }), truth),
  );
  const { small: _, ...found } = rows.at(-1)!;
  expect(found).toEqual(row);
  expect(found.receipt.source).toBe("a+b@0.5,1");
});

it("a perturbation from a file is added for each network on its own", async () => {
  const rows = await evaluated(
    { attacks: [{ attack: "universal", delta: "delta.npy" }], epsilon: 8, transferFrom: ["a"] },
    ["a", "b"],
  );
  const moved = withDelta(image, { delta, pixelRange: "clip" });
  const after = await Promise.all(
    [a, b].map(async (one) => countsOf((await one.predict(moved)).labels, truth, classNames.length)),
  );
  expect(rows.map(({ counts }) => counts.float)).toEqual(after);
  expect(rows.every(({ unit }) => unit.source === undefined)).toBe(true);
});

it.each<[Omit<GivenSpec, "networks">, string]>([
  [
    { attacks: [{ attack: "pgd", targeted: { kind: "hide", classes: ["unicorn"] } }] },
    'pgd: targeted classes/0: there is no class "unicorn"',
  ],
  [{ attacks: ["pgd"], targeted: { kind: "hide" } }, "exactly one of classes, box, polygon; it has none"],
  [{ attacks: ["fmn"], targeted: { kind: "hide", classes: [0] } }, 'fmn: targeted outside must be "free"'],
  [
    { attacks: [{ attack: "pgd", target: 1, targeted: { kind: "class", class: 1 } }] },
    "targeted and target exclude each other",
  ],
  [{ attacks: [{ attack: "universal", delta: "none.npy" }] }, "none.npy has not been read"],
  [{ attacks: ["pgd"], scales: [[1, 1]] }, "scales"],
  [{ attacks: ["pgd"], scales: [[0.5], [0.5]] }, "two of its variants are the same"],
])("what cannot be is refused: %j", async (given, told) => {
  const planned = async () => planUnits(parseSpec({ networks: ["a"], ...given }), [manifests[0]!], ["one"], { deltas });
  await expect(planned()).rejects.toThrow(SpecError);
  await expect(planned()).rejects.toThrow(told);
});
