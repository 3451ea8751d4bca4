/** Bodies that are complete at the same time are parsed in different iterations of the event loop. */

import { expect, it } from "vitest";
import { ownTurns } from "../../src/serve/turns.ts";
import { clientOf } from "../support/api-request.ts";
import { fakeService } from "../support/fake-service.ts";

it("each call has an iteration of the event loop of its own, in order", async () => {
  let iteration = 0;
  let running = true;
  const count = (): void => {
    iteration += 1;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  const turn = ownTurns();
  const seen = await Promise.all(Array.from({ length: 8 }, () => turn().then(() => iteration)));
  running = false;
  expect(new Set(seen).size).toBe(8);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

it.each(["form", "json"] as const)("a body in %s waits for its turn before it is parsed", async (form) => {
  let turns = 0;
  const parsed: string[] = [];
  const service = fakeService();
  const client = clientOf(service, {
    turn: async () => {
      turns += 1;
      parsed.push(`turn ${turns}, ${service.calls.segment.length} calls`);
    },
  });
  const image = new Uint8Array([1, 2, 3]);
  expect((await client[form]("/v1/segment", { image }, {})).status).toBe(200);
  expect(parsed).toEqual(["turn 1, 0 calls", "turn 2, 0 calls"]);
  expect(service.calls.segment.length).toBe(1);
});
