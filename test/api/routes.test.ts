/** Paths, methods and representations that do not exist; the page of each problem. */

import { describe, expect, it } from "vitest";
import { problemKinds } from "../../src/api/problem-kinds.ts";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/attack";
const image = { image: fakePng };

describe("routes", () => {
  const client = clientOf(fakeService());

  it("404 for an unknown path", async () => {
    const response = await client.send("/v1/nothing");
    expect(await problemIn(response)).toMatchObject({ status: 404, type: "/problems/not-found" });
  });

  it.each([
    ["GET", "/v1/attack", "POST"],
    ["DELETE", "/v1/models", "GET, HEAD, POST"],
    ["POST", "/v1/models/enet-street", "GET, HEAD, DELETE"],
    ["POST", "/health/live", "GET, HEAD"],
  ])("405 for %s %s", async (method, url, allow) => {
    const response = await client.send(url, { method });
    expect(await problemIn(response)).toMatchObject({ status: 405, type: "/problems/method-not-allowed" });
    expect(response.headers.get("allow")).toBe(allow);
  });

  it("406 lists what there is", async () => {
    const response = await client.form(path, image, { attack: "fgsm" }, { accept: "text/html, application/json;q=0" });
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ status: 406, type: "/problems/not-acceptable" });
    expect(problem["accepted"]).toContain("text/event-stream");
  });

  it("every problem has its page", async () => {
    const kinds = Object.keys(problemKinds);
    const pages = await Promise.all(kinds.map((kind) => client.send(`/problems/${kind}`)));
    expect(pages.map(({ status }) => status)).toEqual(kinds.map(() => 200));
    expect((await client.send("/problems/toString")).status).toBe(404);
  });
});
