/** The fields of a specification that need label maps, for an evaluation whose pictures have none. */

import { isUnlabelled, layoutNames } from "../datasets/catalogue.ts";

/** A specification, as far as it names label maps. */
export interface Labelled {
  readonly data: {
    readonly dataset?: string | undefined;
    readonly labels?: unknown;
    readonly palette?: unknown;
    readonly remap?: unknown;
  };
  readonly label: string;
  readonly attacks: string | readonly (string | object)[];
}

export interface LabelFault {
  readonly path: (string | number)[];
  readonly message: string;
}

const leavesTruth = (attack: string | object): boolean =>
  typeof attack !== "string" && "label" in attack && attack.label === "ground-truth";

/** Fields that mean label maps, where the named layout has none: the reference is each network's own clean prediction. */
export const labelFaults = ({ data, label, attacks }: Labelled): readonly LabelFault[] => {
  const unlabelled = layoutNames.find((name) => name === data.dataset && isUnlabelled(name));
  if (unlabelled === undefined) return [];
  const message = `goes with label maps, and the pictures of the layout ${unlabelled} have none`;
  const own = (["labels", "palette", "remap"] as const).filter((field) => data[field] !== undefined);
  return [
    ...own.map((field) => ({ path: ["data", field], message })),
    ...(label === "ground-truth" ? [{ path: ["label"], message: `ground-truth ${message}` }] : []),
    ...(typeof attacks === "string" ? [] : attacks).flatMap((attack, i) =>
      leavesTruth(attack) ? [{ path: ["attacks", i, "label"], message: `ground-truth ${message}` }] : [],
    ),
  ];
};
