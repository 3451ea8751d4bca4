/** What is seen and why it works, in plain words with the papers. */

import { attackEntry, type AttackName } from "../attacks/catalogue.ts";
import type { Paper } from "../attacks/entry.ts";
import { classShares } from "../evaluation/labels.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { element, make } from "./elements.ts";
import type { Attacked, Plan } from "./messages.ts";
import { percent, short } from "./words.ts";
import { counted } from "../counted.ts";

const protocol: Paper = {
  title: "On the Robustness of Semantic Segmentation Models to Adversarial Attacks",
  authors: "Arnab, Miksik, Torr",
  year: 2018,
  arxiv: "1711.09856",
};

const cited = ({ title, authors, year, arxiv }: Paper): Node[] => [
  make("a", { href: `https://arxiv.org/abs/${arxiv}`, rel: "noreferrer" }, title),
  document.createTextNode(` (${authors}, ${year})`),
];

/** How an attack of this kind finds its way. */
const way = (name: AttackName): string => {
  const { knowledge, type } = attackEntry(name);
  if (knowledge === "gradient-free")
    return "It never looks inside the network: it tries changes, looks at the labels or the loss that come back, and keeps what helps.";
  const gradient =
    "It asks the network itself in which direction each value of the picture would have to move to make its answer worse. That is the gradient of a loss with respect to the pixels, which training computes with respect to the weights.";
  return type === "minimum-norm"
    ? `${gradient} It goes that way, and then looks for the smallest change that is enough.`
    : `${gradient} It goes that way in small steps and stays within ε of the picture.`;
};

const why =
  "It works because a network adds up very many small terms: changes that are each too small to see, but all push the same way, add up to a large change of its answer.";

/** The class that has lost most of its pixels' agreement: IoU lost × share of the picture. */
const worst = ({ scores }: Attacked, before: Labels): string => {
  const shares = classShares(before, scores.perClass.length);
  const [lost] = scores.perClass
    .flatMap(({ name, clean, adversarial }, i) => {
      const after = adversarial ?? 0;
      return clean === null ? [] : [{ name, clean, after, weight: (clean - after) * shares[i]! }];
    })
    .toSorted((a, b) => b.weight - a.weight);
  if (!lost || lost.weight <= 0) return "";
  return ` “${lost.name}” suffers most: its IoU falls from ${lost.clean.toFixed(2)} to ${lost.after.toFixed(2)}.`;
};

const seen = (attacked: Attacked, before: Labels, { steps }: Plan): string => {
  const { perturbation, changedPixelShare, stopped } = attacked;
  const after = stopped === null ? counted(steps, "step") : `${stopped} of ${counted(steps, "step")}`;
  return `After ${after} no value of the picture has moved by more than ${short(perturbation.linf)} of 255, and ${percent(changedPixelShare)} of its pixels have another label.${worst(attacked, before)} `;
};

/** @param result null before an attack; `before`: the labels of the clean picture. */
export const explain = (plan: Plan, result: { readonly attacked: Attacked; readonly before: Labels } | null): void => {
  const { title, summary, formula, paper } = attackEntry(plan.attack);
  const told = result ? seen(result.attacked, result.before, plan) : "";
  element("explained").textContent = `${told}${title}: ${summary} ${way(plan.attack)} ${why}`;
  element("papers").replaceChildren(
    "Its step: ",
    make("code", {}, formula),
    ". The paper of the attack: ",
    ...cited(paper),
    ". The protocol: ",
    ...cited(protocol),
    ".",
  );
};
