/** GET /v1/attacks: what is listed is what POST /v1/attack takes. */

import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/api/app.ts";
import { attackEntry, attackNames, type AttackName } from "../../src/attacks/catalogue.ts";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

interface Listed {
  readonly name: AttackName;
  readonly knowledge: string;
  readonly distances: readonly string[];
  readonly paper: { readonly arxiv: string };
  readonly random: boolean;
  readonly evaluations: number;
  readonly options: readonly {
    readonly name: string;
    readonly minimum: number;
    readonly exclusiveMinimum: boolean;
    readonly maximum: number;
    readonly default: number;
    readonly unit?: string;
    readonly fixed?: string;
  }[];
}

const service = fakeService();
const client = clientOf(service);
const { epsilon, attacks } = (await (await client.send("/v1/attacks")).json()) as {
  readonly epsilon: number;
  readonly attacks: readonly Listed[];
};
const named = (name: AttackName): Listed => attacks.find((each) => each.name === name)!;
const asked = (spec: object) => client.form("/v1/attack", { image: fakePng }, { epsilon, ...spec });

describe("GET /v1/attacks", () => {
  it("lists every attack with its paper, and no other", () => {
    expect(attacks.map(({ name }) => name)).toEqual(attackNames);
    for (const { name, paper } of attacks) {
      expect(paper.arxiv).toMatch(/^\d{4}\.\d{4,5}$/);
      expect(named(name).random).toBe(attackEntry(name).random);
    }
  });

  it("states defaults and costs by hand-checked examples at ε = 8", () => {
    expect(epsilon).toBe(8);
    // ⌈min(8 + 4, 1.25 · 8)⌉ = 10 steps of 1.
    expect(named("ifgsm")).toMatchObject({
      knowledge: "white-box",
      type: "fixed-budget",
      distances: ["linf"],
      paper: { arxiv: "1607.02533" },
      random: false,
      evaluations: 10,
    });
    const [alpha, steps] = ["alpha", "steps"].map((name) => named("ifgsm").options.find((o) => o.name === name));
    expect(alpha).toMatchObject({ unit: "grey levels", minimum: 0, exclusiveMinimum: true, maximum: 255, default: 1 });
    expect(steps).toMatchObject({ minimum: 1, maximum: defaultLimits.steps, integer: true, default: 10 });
    expect(named("fgsm").evaluations).toBe(1);
    expect(named("fgsm").options.find(({ name }) => name === "alpha")).toMatchObject({
      default: 8,
      fixed: expect.stringContaining("must be absent"),
    });
    expect(named("square").knowledge).toBe("gradient-free");
  });

  it.each(attackNames.filter((name) => named(name).evaluations <= defaultLimits.steps))(
    "the defaults of %s are accepted, and are those of a request that names none",
    async (name) => {
      const options = Object.fromEntries(named(name).options.map((option) => [option.name, option.default]));
      expect((await asked({ attack: name, ...options })).status).toBe(200);
      expect((await asked({ attack: name })).status).toBe(200);
      const [stated, absent] = service.calls.attack.slice(-2);
      expect(stated?.spec).toEqual(absent?.spec);
    },
  );

  it("states ranges beyond which a value is refused", async () => {
    for (const { name, maximum, minimum, exclusiveMinimum } of named("nes").options) {
      for (const value of [maximum + 1, exclusiveMinimum ? minimum : minimum - 1]) {
        if (value > Number.MAX_SAFE_INTEGER) continue;
        const problem = await problemIn(await asked({ attack: "nes", [name]: value }));
        expect([name, problem.errors?.[0]?.pointer]).toEqual([name, `/spec/${name}`]);
      }
    }
  });
});
