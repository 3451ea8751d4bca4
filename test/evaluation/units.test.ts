/** The planning of an evaluation: which units there are, in which order, and what is refused. */

import { describe, expect, it } from "vitest";
import { addsDelta, attacksOf } from "../../src/evaluation/attacks-of.ts";
import { parseSpec, SpecError, type GivenSpec } from "../../src/evaluation/spec.ts";
import { planUnits } from "../../src/evaluation/plan-units.ts";
import { inShard, remaining, type Group } from "../../src/evaluation/units.ts";
import { tinyManifest } from "../support/networks/tiny.ts";

const [a, b] = ["a", "b"].map((name, i) => tinyManifest({ name, sha256: String(i).repeat(64) })) as [
  ReturnType<typeof tinyManifest>,
  ReturnType<typeof tinyManifest>,
];
const items = ["one", "two", "three"];

const plan = (
  given: GivenSpec,
  manifests = [a, b].slice(0, given.networks.length),
  isOwn?: (batch: number) => boolean,
) => planUnits(parseSpec(given), manifests, items, isOwn ? { isOwn } : {});

const idsOf = (groups: readonly Group[]): string[] => groups.flatMap(({ units }) => units.map(({ id }) => id));

describe("radii", () => {
  const radiiIn = async (given: Omit<GivenSpec, "networks">) =>
    attacksOf(parseSpec({ networks: ["a"], ...given }), a).map(({ epsilon }) => epsilon);

  it("in L2 may exceed 255 grey levels, of an attack or of all", async () => {
    expect(await radiiIn({ attacks: [{ attack: "pgd", norm: "l2", epsilon: [300, 1e7] }] })).toEqual([300, 1e7]);
    expect(await radiiIn({ attacks: [{ attack: "ddn", epsilon: 300 }] })).toEqual([300]);
    // patch has a radius of its own, and takes none of those of all.
    expect(await radiiIn({ attacks: [{ attack: "pgd", norm: "l2" }, "patch"], epsilon: [300] })).toEqual([300, 255]);
  });

  it.each([
    [
      { attacks: [{ attack: "pgd", epsilon: [4, 300] }] },
      "attacks, no. 1, epsilon: must be at most 255 in the L∞ norm; pgd takes more with norm l2",
    ],
    [{ attacks: [{ attack: "fgsm", epsilon: 256 }] }, "attacks, no. 1, epsilon: must be at most 255 in the L∞ norm"],
    [{ attacks: [{ attack: "pgd", norm: "l2", epsilon: 1.1e7 }] }, "attacks, no. 1, epsilon: must be at most 10000000"],
    [
      { attacks: [{ attack: "pgd", norm: "l2" }, "fgsm"], epsilon: 300 },
      /^epsilon: must be at most 255 in the L∞ norm, which is that of fgsm$/,
    ],
    [{ epsilon: 300 }, "which is that of fgsm"],
    [{ attacks: ["ddn"], epsilon: 300 }, "epsilon: must be at most 255 where no attack in L2 takes it"],
    [
      { attacks: [{ attack: "universal", delta: "d.npy", epsilon: 300 }] },
      "attacks, no. 1, epsilon: must be at most 255",
    ],
  ] satisfies [Omit<GivenSpec, "networks">, string | RegExp][])("are refused by their norm: %j", (given, told) => {
    const parse = () => parseSpec({ networks: ["a"], ...given });
    expect(parse).toThrow(SpecError);
    expect(parse).toThrow(told);
  });
});

describe("the units", () => {
  it("are the clean image and every attack at every radius, for each network and picture", async () => {
    const { groups } = await plan({ networks: ["a", "b"], attacks: ["fgsm", "ifgsm"], epsilon: [2, 8] });
    const ids = idsOf(groups);
    expect(ids).toHaveLength(2 * 3 * (1 + 4));
    expect(new Set(ids).size).toBe(ids.length);
    const [first, second] = groups;
    expect(first).toMatchObject({ source: 0, item: 0, attack: null });
    expect(second?.attack).toMatchObject({ attack: "fgsm", epsilon: 2, steps: 1, label: "prediction" });
    expect(groups.map(({ batch }) => batch)).toEqual(groups.map((_, i) => Math.floor(i / 5)));
  });

  it("of transfer share the image with the network that it is made on, and are of its batch", async () => {
    const { groups } = await plan({ networks: ["a", "b"], attacks: ["fgsm"], epsilon: 8, transferFrom: ["b"] });
    const made = groups.filter(({ attack }) => attack !== null);
    expect(made.map(({ source, units }) => [source, units.map(({ target }) => target)])).toEqual([
      ...items.map(() => [0, [0]]),
      ...items.map(() => [1, [1, 0]]),
    ]);
    const transferred = made.at(-1)!.units[1]!.unit;
    expect(transferred).toMatchObject({ networkSha256: a.sha256, source: b.sha256 });
  });

  it("of a source that is not scored are those of transfer alone", async () => {
    const { groups } = await plan({ networks: ["a"], attacks: ["fgsm"], epsilon: 8, transferFrom: ["b"] }, [a, b]);
    expect(idsOf(groups)).toHaveLength(3 * 3);
    expect(groups.filter(({ source }) => source === 1).every(({ units }) => units.length === 1)).toBe(true);
  });

  it("have variants with transformations and CRFs beside the network as it is", async () => {
    const { groups, settings } = await plan({
      networks: ["a"],
      attacks: ["fgsm"],
      epsilon: 8,
      transform: [{ transform: [{ name: "jpeg", quality: 50 }], through: "bpda" }],
      crf: [
        { iterations: 1, gaussian: { weight: 1, theta: 1 }, bilateral: { weight: 0, thetaAlpha: 1, thetaBeta: 1 } },
      ],
    });
    expect(settings).toHaveLength(3);
    const arounds = groups.filter(({ item, attack }) => item === 0 && attack).map(({ units }) => units[0]!.unit.around);
    expect(arounds).toEqual([
      undefined,
      { transform: [{ name: "jpeg", quality: 50 }], through: "bpda" },
      { crf: expect.objectContaining({ attacked: true, iterations: 1 }) as unknown },
    ]);
  });

  it("have what stands around every network where nothing else stands, at other scales too", async () => {
    const jpeg = [{ name: "jpeg" as const, quality: 50 }];
    const blur = [{ name: "blur" as const }];
    const around = { transform: jpeg, crf: { iterations: 1 } };
    const variants = { transform: [{ transform: blur }], crf: ["none" as const] };
    const scales = [[0.5], { scales: [0.25], attacked: false }];
    const open = tinyManifest({ name: "a", sha256: a.sha256 });
    const { groups, settings } = await plan(
      { networks: ["a"], attacks: ["fgsm"], epsilon: 8, around, ...variants, scales },
      [open],
    );
    expect(settings).toHaveLength(5);
    const crf = expect.objectContaining({ attacked: true, iterations: 1 }) as unknown;
    const units = groups.filter(({ item, attack }) => item === 0 && attack).flatMap((group) => group.units);
    expect(units.map(({ unit }) => [unit.around, unit.sourceAround])).toEqual([
      [{ transform: jpeg, crf }, undefined],
      [
        { variant: "a@0.25", transform: jpeg, crf },
        { transform: jpeg, crf },
      ],
      [{ transform: blur, crf }, undefined],
      [{ transform: jpeg }, undefined],
      [{ variant: "a@0.5", transform: jpeg, crf }, undefined],
    ]);
  });

  it("count the draws of a manifest's own transformations, where attacks are to average over several", async () => {
    const transform = [{ name: "noise" as const, sigma: 2 }];
    const noisy = tinyManifest({ name: "a", sha256: a.sha256, transform });
    const backwardOf = async (around: GivenSpec["around"]) => {
      const given: GivenSpec = { networks: ["a"], attacks: [{ attack: "pgd", steps: 5 }], epsilon: 8, around };
      return (await plan(given, [noisy])).groups[1]!.evaluations.backward;
    };
    expect(await backwardOf({})).toBe(5);
    expect(await backwardOf({ draws: 3 })).toBe(15);
    expect(await backwardOf({ transform: "none" })).toBe(5);
    expect(await backwardOf({ transform, draws: 2, through: "naive" })).toBe(5);
  });

  it("at ε = 0 are the clean ones, once", async () => {
    const { groups } = await plan({ networks: ["a"], attacks: ["fgsm", "ifgsm"], epsilon: [0, 2] });
    expect(groups.filter(({ item }) => item === 0).map(({ attack }) => attack?.epsilon)).toEqual([undefined, 2, 2]);
  });

  it("are repeated with other starts, and not twice where they are the same", async () => {
    const { groups } = await plan({ networks: ["a"], attacks: ["fgsm", "fgsm"], epsilon: [8, 8], repeats: 2 });
    const repeats = groups.filter(({ item, attack }) => item === 0 && attack).map(({ units }) => units[0]!.unit.repeat);
    expect(repeats).toEqual([undefined, 1, 2]);
  });

  it("of two manifests of one file are told apart by the variant's name", async () => {
    const variant = tinyManifest({ name: "half", sha256: a.sha256, network: "a", scales: [0.5] });
    const { groups } = await plan({ networks: ["a", "half"], attacks: [] }, [a, variant]);
    expect(new Set(idsOf(groups)).size).toBe(6);
    const twin = tinyManifest({ name: "twin", sha256: a.sha256 });
    await expect(plan({ networks: ["a", "twin"], attacks: [] }, [a, twin])).rejects.toThrow("are one file");
  });
});

describe("further seeds", () => {
  const seedsOf = async (given: Omit<GivenSpec, "networks">) => {
    const { groups } = await plan({ networks: ["a"], epsilon: 2, seeds: 3, seed: 5, ...given });
    const own = groups.filter(({ item, attack }) => item === 0 && attack);
    return own.map(({ source, units }) => [source, units[0]!.unit.seed, units[0]!.unit.around?.seed]);
  };

  it("are run where the attack is random", async () => {
    expect(await seedsOf({ attacks: ["pgd"] })).toEqual([5, 6, 7].map((seed) => [0, seed, undefined]));
    expect(await seedsOf({ attacks: ["ifgsm"] })).toEqual([[0, 5, undefined]]);
  });

  it("are run behind transformations that are random, whose draws have the same seed", async () => {
    const noise = [{ transform: [{ name: "noise" as const, sigma: 2 }] }];
    expect(await seedsOf({ attacks: ["ifgsm"], transform: noise })).toEqual([
      [0, 5, undefined],
      ...[5, 6, 7].map((seed) => [1, seed, undefined]),
    ]);
    const jpeg = [{ transform: [{ name: "jpeg" as const, quality: 50 }] }];
    expect(await seedsOf({ attacks: ["ifgsm"], transform: jpeg })).toEqual(
      [0, 1].map((source) => [source, 5, undefined]),
    );
  });

  it("go with repeats, which are those of the first", async () => {
    expect((await seedsOf({ attacks: ["pgd"], repeats: 2 })).map(([, seed]) => seed)).toEqual([5, 6, 7, 5, 5]);
  });
});

describe("shards", () => {
  it("are a partition of the units that keeps batches whole", async () => {
    const given: GivenSpec = { networks: ["a", "b"], attacks: ["fgsm"], epsilon: 8 };
    const { groups } = await plan(given);
    const own = [0, 1, 2, 3].map((i) => plan(given, undefined, inShard(i, 4)));
    const shards = (await Promise.all(own)).map((shard) => shard.groups);
    expect(shards.flat().toSorted((x, y) => x.batch - y.batch)).toEqual(groups);
    expect(shards.flatMap(idsOf).toSorted()).toEqual(idsOf(groups).toSorted());
    const batches = shards.map((shard) => new Set(shard.map(({ batch }) => batch)));
    expect(batches.reduce((sum, { size }) => sum + size, 0)).toBe(6);
  });

  it("what is left of a run are the units without a row", async () => {
    const { groups } = await plan({ networks: ["a", "b"], attacks: ["fgsm"], epsilon: 8, transferFrom: ["a", "b"] });
    const ids = idsOf(groups);
    const done = new Set(ids.filter((_, i) => i % 3 === 0));
    expect(idsOf(remaining(groups, done))).toEqual(ids.filter((_, i) => i % 3 !== 0));
    expect(remaining(groups, new Set(ids))).toEqual([]);
  });
});

describe("the attacks", () => {
  const of = (given: Omit<GivenSpec, "networks">) =>
    attacksOf(parseSpec({ networks: ["a"], ...given }), a).filter((attack) => !addsDelta(attack));

  it("of the paper are four at eight radii, with its numbers of steps", () => {
    const all = of({});
    expect(all).toHaveLength(32);
    const steps = all.filter(({ attack }) => attack === "ifgsm-ii").map((attack) => attack.steps);
    expect(steps).toEqual([1, 1, 2, 3, 5, 10, 20, 36]);
  });

  it("take weights of the classes where they climb a class-balanced loss", () => {
    const weights = a.classes.map((_, i) => i);
    const [made] = of({ attacks: [{ attack: "sea", classWeights: weights }], epsilon: 4 });
    expect(made!.classWeights).toEqual(weights);
    expect(() => of({ attacks: [{ attack: "sea", classWeights: [1] }] })).toThrow(
      /attacks: sea: classWeights must have/,
    );
    expect(() => of({ attacks: [{ attack: "pgd", classWeights: weights }] })).toThrow(/pgd weighs no classes/);
  });

  it("take radii of their own, then the evaluation's; those of minimum norm have none, and a patch has its own", () => {
    expect(of({ attacks: ["patch"], epsilon: [2, 4] }).map(({ epsilon }) => epsilon)).toEqual([255]);
    const all = of({ attacks: [{ attack: "pgd", epsilon: [1, 2], steps: 7 }, "fgsm", "fmn"], epsilon: 4 });
    expect(all.map(({ attack, epsilon, steps }) => [attack, epsilon, steps])).toEqual([
      ["pgd", 1, 7],
      ["pgd", 2, 7],
      ["fgsm", 4, 1],
      ["fmn", undefined, all.at(-1)!.steps],
    ]);
  });

  it.each([
    [{ attacks: [{ attack: "fgsm" as const, momentum: 1 }] }, "momentum must be absent: fgsm has no such option"],
    [{ attacks: [{ attack: "fgsm" as const, steps: 4 }] }, "fgsm: steps must be 1: fgsm takes one step"],
    [{ attacks: ["fgsm" as const], epsilon: 0 }, "fgsm: epsilon must be greater than 0"],
    [{ attacks: [{ attack: "pgd" as const, epsilon: [0] }] }, "pgd: epsilon must be greater than 0"],
    [
      {
        attacks: [
          { attack: "pgd" as const, norm: "l2" as const },
          { attack: "square" as const, norm: "l2" as const },
        ],
        epsilon: 400,
      },
      "square",
    ],
  ])("refuse what they do not take: %o", (given, told) => {
    expect(() => of(given)).toThrow(told);
    expect(() => of(given)).toThrow(SpecError);
  });
});

describe("a specification", () => {
  it.each([
    [{}, "networks: is required"],
    [{ networks: [] }, "networks: must have at least 1 item"],
    [{ networks: ["a"], epsilon: -1 }, "epsilon: must be at least 0"],
    [
      { networks: ["a"], attacks: ["fgsm", "pgd:steps=2"] },
      /^attacks, no\. 2: must be one of fgsm, .*, or an object such as \{"attack":"pgd","steps":2\}$/,
    ],
    [{ networks: ["a"], attacks: [{ attack: "pdg" }] }, /^attacks, no\. 1, attack: must be one of fgsm, /],
    [
      { networks: ["a"], attacks: [{ attack: "pgd", step: 3 }] },
      "attacks, no. 1, step: is no field here; accepted: attack, epsilon, norm, label, pixelRange, target, targeted, alpha, steps, start, restarts",
    ],
    [
      { networks: ["a"], attacks: [{ attack: "universal", delta: "d.npy", steps: 3 }] },
      "attacks, no. 1, steps: is no field here; accepted: attack, delta, epsilon",
    ],
    [
      { networks: ["a"], data: { remap: { x: 1 } } },
      "data, remap, x: is no name here, which must be a value of the label maps",
    ],
    [{ networks: ["a"], tranform: [] }, "tranform: is no field here; accepted: networks, data, attacks"],
    [{ networks: ["a"], crf: ["some"] }, "crf, no. 1: must be none, or an object"],
  ])("that is wrong names its field, and what it takes: %j", (value, told) => {
    expect(() => parseSpec(value)).toThrow(told);
    expect(() => parseSpec(value)).toThrow(SpecError);
  });

  it("is complete where it is parsed, and stays as it is when it is parsed again", () => {
    const spec = parseSpec({ networks: ["a"] });
    expect(spec).toMatchObject({ attacks: "paper", seed: 0, repeats: 0, small: 0.01, data: {}, label: "prediction" });
    expect(parseSpec(spec)).toEqual(spec);
  });
});
