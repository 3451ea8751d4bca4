/** Requests that add a perturbation which was made beforehand. */
import { lengthFault } from "../attacks/norms.ts";
import type { AttackRequest } from "../contract/attack.ts";
import type { AskedAttack } from "./attack-schemas.ts";
import { RequestError } from "./request-error.ts";

/** What goes with it of the fields of a spec; the others are about how an attack is made. */
const taken: ReadonlySet<string> = new Set([
  "model",
  "attack",
  "epsilon",
  "norm",
  "label",
  "pixelRange",
  "seed",
  "crf",
  "transform",
  "trials",
  "backend",
  "label255",
  "images",
]);

/** @throws RequestError `invalid-request` for fields of an attack, and where there is no perturbation. */
export const universalRequest = (model: string, { spec, image, labels, target, delta }: AskedAttack): AttackRequest => {
  const { images, epsilon, norm = "linf", label, pixelRange, seed, crf, transform, trials, backend, label255 } = spec;
  const given = Object.entries(spec).flatMap(([name, value]) => (value === undefined || taken.has(name) ? [] : [name]));
  const tooLong = epsilon === undefined ? null : lengthFault(epsilon, "linf");
  const wrong = [
    ...given.map((name) => ({
      pointer: `/spec/${name}`,
      detail: "must be absent: universal adds the perturbation of the part `delta`, and makes no steps",
    })),
    norm !== "linf" && { pointer: "/spec/norm", detail: "must be linf for universal" },
    tooLong !== null && { pointer: "/spec/epsilon", detail: tooLong, received: epsilon },
    target && { pointer: "/target", detail: "must be absent, because universal has no target" },
    !delta && { pointer: "/delta", detail: "is required, because spec.attack is universal" },
  ].filter((error) => typeof error === "object");
  if (wrong.length > 0) throw new RequestError({ kind: "invalid-request", errors: wrong });
  const how = { epsilon, norm, label, pixelRange, seed, crf, transform, trials, backend, label255 };
  return {
    spec: { ...how, model, attack: "universal", steps: 0 },
    image,
    labels,
    delta,
    outputs: [...new Set(images)],
  };
};
