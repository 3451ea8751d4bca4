/** Executes nodes of the forward pass again in the backward pass, so that their results need not be kept. */

import type { Node } from "../../onnx/graph.ts";
import { prune } from "../../onnx/passes/prune.ts";
import type { Schedule } from "./schedule.ts";

/** A group of nodes that is executed again, and the position from which its results are used. */
export interface Repetition {
  /** Positions of the nodes in the schedule, ascending. */
  readonly nodes: readonly number[];
  /** From this position on the backward pass reads the recomputed results. */
  readonly from: number;
}

/** Returns a generator of unused names `NAME_again_1`, `NAME_again_2`, …. */
const againNames = (taken: ReadonlySet<string>) => {
  const counts = new Map<string, number>();
  return (name: string): string => {
    for (let i = (counts.get(name) ?? 0) + 1; ; i++) {
      counts.set(name, i);
      if (!taken.has(`${name}_again_${i}`)) return `${name}_again_${i}`;
    }
  };
};

/** The schedule in which these nodes are executed again; each group is inserted directly before the first node that reads one of its results. */
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
  // In ascending order of `from`. If several groups recompute a value from the same position on, the first of them is read.
  const upcoming = again.toReversed().toSorted((a, b) => a.from - b.from);
  /** The latest group that recomputes each value. */
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
