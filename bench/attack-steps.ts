/** What an attack's rule computes itself at an evaluation, without a network: `npm run bench -- attacks steps`. */

import { attackEntry, attackNames, makeAttack, withDefaults, type AttackName } from "../src/attacks/catalogue.ts";
import type { Trajectory } from "../src/attacks/attack.ts";
import { follow } from "../src/attacks/run.ts";
import { between, normal, random } from "../src/random.ts";
import { tensor } from "../src/tensor.ts";
import { timed } from "./fastest.ts";

const [HEIGHT, WIDTH, STEPS] = [176, 240, 8];
const VALUES = 3 * HEIGHT * WIDTH;
const [WARM, RUNS] = [4, 4];

const next = random(3);
const image = tensor(
  "float32",
  [3, HEIGHT, WIDTH],
  new Float32Array(VALUES).map(() => Math.round(between(next, 0, 255))),
);
const gradients = [0, 1, 2, 3].map(() => new Float32Array(VALUES).map(() => 1e-3 * normal(next)));
const perPixel = tensor(
  "float32",
  [HEIGHT, WIDTH],
  new Float32Array(HEIGHT * WIDTH).map(() => normal(next)),
);

const trajectoryOf = (attack: AttackName): Trajectory => {
  const { options } = attackEntry(attack);
  const given = { steps: options.steps?.fixed ? 1 : STEPS, ...(options.bisections && { bisections: 1 }) };
  const own = withDefaults(attack, { epsilon: 8 }, given);
  return makeAttack(attack, { ...own, epsilon: 8, pixelRange: [0, 255], seed: 0 }).trajectories[0];
};

/** Prints nanoseconds of processor time for each value of the image and evaluation, once the code is optimised. */
export const attackSteps = async (): Promise<void> => {
  console.log(`${HEIGHT}×${WIDTH}, nanoseconds of processor time an evaluation and value of the image`);
  for (const attack of attackNames) {
    const trajectory = trajectoryOf(attack);
    let seen = 0;
    const run = () =>
      follow(
        trajectory,
        async () => {
          seen += 1;
          const gradient = tensor("float32", image.shape, gradients[seen % gradients.length]!.slice());
          return { gradient, value: seen, remaining: 1 - 1e-6 * seen, perPixel };
        },
        image,
      );
    for (let i = 0; i < WARM; i++) await run();
    seen = 0;
    const spent = await timed(async () => {
      for (let i = 0; i < RUNS; i++) await run();
    })();
    console.log(`| \`${attack}\` | ${((1e6 * spent) / seen / VALUES).toFixed(0)} |`);
  }
};
