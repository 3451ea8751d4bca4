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

/** Gives `NAME_again_1`, `NAME_again_2`, …, without the names that are taken. */
const againNames = (taken: ReadonlySet<string>) => {
  const counts = new Map<string, number>();
  return (name: string): string => {
    for (let i = (counts.get(name) ?? 0) + 1; ; i++) {
      counts.set(name, i);
      if (!taken.has(`${name}_again_${i}`)) return `${name}_again_${i}`;
    }
  };
};

/** The schedule in which these nodes are executed again; each group stands just before the first node that reads a result of it. */
export const repeat = (schedule: Schedule, repetitions: readonly Repetition[]): Schedule => {
  const { graph, turn } = schedule;
  const types = new Map(schedule.types);
  const origin = new Map(schedule.origin);
  const taken = new Set([...types.keys(), ...graph.nodes.flatMap((n) => n.outputs)]);
  const named = againNames(taken);
  const again = repetitions.map(({ nodes, from }) => {
    const names = new Map<string, string>();
    const made = nodes.map((place): Node => {
      const node = graph.nodes[place]!;
      const outputs = node.outputs.map((name) => {
        if (name === "") return name;
        const own = named(name);
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
  // In ascending order of `from`. Of several groups that make one value again from the same place on, the first is read.
  const upcoming = again.toReversed().toSorted((a, b) => a.from - b.from);
  /** The latest group that makes each value again. */
  const latest = new Map<string, (typeof again)[number]>();
  const inserted = new Set<(typeof again)[number]>();
  let begun = 0;
  const backward = graph.nodes.slice(turn).flatMap((node, i): Node[] => {
    for (; begun < upcoming.length && upcoming[begun]!.from <= turn + i; begun++)
      for (const name of upcoming[begun]!.names.keys()) latest.set(name, upcoming[begun]!);
    const before: Node[] = [];
    const inputs = node.inputs.map((name) => {
      const group = latest.get(name);
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
