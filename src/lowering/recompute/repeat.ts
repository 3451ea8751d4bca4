/** Nodes of the forward pass executed once more in the backward pass, so that their results need not be kept. */

import type { Node } from "../../onnx/graph.ts";
import { prune } from "../../onnx/passes/prune.ts";
import type { Schedule } from "./schedule.ts";

/** What is executed again, and when. */
export interface Repetition {
  /** Places of the nodes in the schedule, ascending. */
  readonly nodes: readonly number[];
  /** From this place on the backward pass reads the new results. */
  readonly from: number;
}

const named = (taken: ReadonlySet<string>, name: string): string => {
  for (let i = 1; ; i++) if (!taken.has(`${name}_again_${i}`)) return `${name}_again_${i}`;
};

/** The schedule with these nodes executed again, each group just before the first that reads a result of it. */
export const repeat = (schedule: Schedule, repetitions: readonly Repetition[]): Schedule => {
  const { graph, turn } = schedule;
  const types = new Map(schedule.types);
  const origin = new Map(schedule.origin);
  const taken = new Set([...types.keys(), ...graph.nodes.flatMap((n) => n.outputs)]);
  const again = repetitions.map(({ nodes, from }) => {
    const names = new Map<string, string>();
    const made = nodes.map((place): Node => {
      const node = graph.nodes[place]!;
      const outputs = node.outputs.map((name) => {
        if (name === "") return name;
        const own = named(taken, name);
        taken.add(own);
        types.set(own, types.get(name)!);
        origin.set(own, origin.get(name) ?? name);
        names.set(name, own);
        return own;
      });
      const inputs = node.inputs.map((name) => names.get(name) ?? name);
      return { ...node, name: outputs.find((name) => name !== "")!, inputs, outputs };
    });
    return { from, names, made };
  });
  const latestFirst = again.toSorted((a, b) => b.from - a.from);
  const inserted = new Set<(typeof again)[number]>();
  const backward = graph.nodes.slice(turn).flatMap((node, i): Node[] => {
    const before: Node[] = [];
    const inputs = node.inputs.map((name) => {
      const group = latestFirst.find(({ from, names }) => from <= turn + i && names.has(name));
      if (group && !inserted.has(group)) {
        inserted.add(group);
        before.push(...group.made);
      }
      return group?.names.get(name) ?? name;
    });
    return [...before, { ...node, inputs }];
  });
  const forward = graph.nodes.slice(0, turn);
  const pruned = prune({ ...graph, nodes: [...forward, ...backward] });
  const kept = new Set(pruned.nodes);
  return { graph: pruned, types, origin, turn: forward.filter((n) => kept.has(n)).length };
};
