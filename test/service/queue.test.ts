/** One heavy run at a time, in order. */

import { describe, expect, it } from "vitest";
import { createQueue } from "../../src/service/queue.ts";
import { failureOf } from "./tiny-service.ts";

/** A task that ends when it is told to. */
const held = () => {
  let finish!: (value: string) => void;
  let fail!: (reason: Error) => void;
  const result = new Promise<string>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  return { task: () => result, finish, fail };
};

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("the queue", () => {
  it("starts a task when those before it have ended, in the order of asking", async () => {
    const queue = createQueue({ waiting: 3 });
    const events: string[] = [];
    const first = held();
    const named = (name: string, task: () => Promise<unknown>) => () => {
      events.push(`start ${name}`);
      return task().finally(() => events.push(`end ${name}`));
    };
    const all = Promise.all([queue(named("a", first.task)), queue(named("b", turn)), queue(named("c", turn))]);
    await turn();
    expect(events).toEqual(["start a"]);
    first.finish("");
    await all;
    expect(events).toEqual(["start a", "end a", "start b", "end b", "start c", "end c"]);
  });

  it("lets one run and `waiting` wait, refuses a further one, and takes one again for each that ended", async () => {
    const queue = createQueue({ waiting: 2 });
    const tasks = [held(), held(), held()];
    const runs = tasks.map((t) => queue(t.task));
    let started = false;
    const refused = queue(() => {
      started = true;
      return Promise.resolve();
    });
    expect(await failureOf(refused)).toMatchObject({ kind: "busy", retryAfterSeconds: expect.any(Number) });
    tasks[0]!.finish("first");
    expect(await runs[0]).toBe("first");
    const next = held();
    const later = queue(next.task);
    expect(await failureOf(queue(turn))).toMatchObject({ kind: "busy" });
    for (const t of [...tasks, next]) t.finish("done");
    expect(await Promise.all([...runs.slice(1), later])).toEqual(["done", "done", "done"]);
    expect(started).toBe(false);
  });

  it.each([
    { ms: 0, seconds: 1 },
    { ms: 300, seconds: 1 },
    { ms: 4000, seconds: 6 },
    { ms: 90_000, seconds: 30 },
  ])("asks to retry when half of the line is served, after tasks of $ms ms in $seconds s", async ({ ms, seconds }) => {
    let time = 0;
    const queue = createQueue({ waiting: 2, now: () => time });
    await queue(async () => void (time += ms));
    const tasks = [held(), held(), held()];
    const runs = tasks.map((t) => queue(t.task));
    expect(await failureOf(queue(turn))).toEqual({ kind: "busy", retryAfterSeconds: seconds });
    for (const t of tasks) t.finish("done");
    await Promise.all(runs);
  });

  it("goes on after a task that failed, and passes its failure to its caller alone", async () => {
    const queue = createQueue({ waiting: 5 });
    const failing = held();
    const run = queue(failing.task);
    const next = queue(() => Promise.resolve("fine"));
    const reason = new Error("no");
    failing.fail(reason);
    await expect(run).rejects.toBe(reason);
    expect(await next).toBe("fine");
    const thrown = queue(() => {
      throw reason;
    });
    await expect(thrown).rejects.toBe(reason);
    expect(await queue(() => Promise.resolve("fine"))).toBe("fine");
  });

  it("once it is stopped lets the task end that runs, and begins none of those that wait or come", async () => {
    const stop = new AbortController();
    const queue = createQueue({ waiting: 2, stop: stop.signal });
    const running = held();
    const run = queue(running.task);
    let begun = false;
    const waiting = failureOf(queue(async () => void (begun = true)));
    await turn();
    stop.abort();
    expect(await failureOf(queue(turn))).toEqual({ kind: "stopping" });
    running.finish("done");
    expect(await run).toBe("done");
    expect([await waiting, begun]).toEqual([{ kind: "stopping" }, false]);
  });

  it("without a line takes one at a time", async () => {
    const queue = createQueue({ waiting: 0 });
    const only = held();
    const run = queue(only.task);
    expect(await failureOf(queue(turn))).toMatchObject({ kind: "busy" });
    only.finish("done");
    expect(await run).toBe("done");
    expect(await queue(() => Promise.resolve("again"))).toBe("again");
  });

  it("forgets those who leave while they wait: they never begin, and their places are free at once", async () => {
    const queue = createQueue({ waiting: 2 });
    const first = held();
    const run = queue(first.task);
    const leaving = new AbortController();
    const begun: string[] = [];
    const named = (name: string, signal?: AbortSignal) => queue(async () => void begun.push(name), signal);
    const gone = failureOf(named("gone", leaving.signal));
    const stays = named("stays");
    expect(await failureOf(named("too many"))).toMatchObject({ kind: "busy", retryAfterSeconds: 1 });
    leaving.abort();
    expect(await gone).toEqual({ kind: "cancelled" });
    const next = named("next", new AbortController().signal);
    expect(await failureOf(named("late", leaving.signal))).toEqual({ kind: "cancelled" });
    first.finish("done");
    await Promise.all([run, stays, next]);
    expect(begun).toEqual(["stays", "next"]);
  });

  it("leaves a task that has begun to its own signal, and keeps no listener of one that has ended", async () => {
    const queue = createQueue({ waiting: 1 });
    const leave = new AbortController();
    const only = held();
    const run = queue(only.task, leave.signal);
    await turn();
    leave.abort();
    only.finish("done");
    expect(await run).toBe("done");
    expect(await queue(() => Promise.resolve("again"))).toBe("again");
  });

  it("holds a long line without a long chain: ten thousand that leave cost one step each", async () => {
    const queue = createQueue({ waiting: 10_000 });
    const first = held();
    const run = queue(first.task);
    const leaving = Array.from({ length: 10_000 }, () => new AbortController());
    let begun = 0;
    const all = leaving.map(({ signal }) => failureOf(queue(async () => void (begun += 1), signal)));
    for (const each of leaving) each.abort();
    expect(new Set((await Promise.all(all)).map(({ kind }) => kind))).toEqual(new Set(["cancelled"]));
    first.finish("done");
    await run;
    expect(begun).toBe(0);
  });
});
