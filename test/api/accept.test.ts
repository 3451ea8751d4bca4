import { describe, expect, it } from "vitest";
import { negotiate } from "../../src/api/accept.ts";
import { RequestError } from "../../src/api/request-error.ts";

const offers = ["application/json", "image/png", "image/png;depth=16", "text/event-stream"] as const;

describe("negotiate", () => {
  it.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["image/*", "image/png"],
    ["IMAGE/PNG", "image/png"],
    ["image/png; depth=16", "image/png;depth=16"],
    ["image/png;depth=16;q=0.5, image/png;q=0.4", "image/png;depth=16"],
    ["application/json;charset=utf-8", "application/json"],
    ["text/event-stream, application/json;q=0.9", "text/event-stream"],
    ["image/png, */*", "image/png"],
    ["text/event-stream, application/json", "text/event-stream"],
    ["application/json;q=0, */*", "image/png"],
    ["*/*;q=0.1, text/*;q=0.2", "text/event-stream"],
    ["text/html,application/xhtml+xml,image/avif,*/*;q=0.8", "application/json"],
  ])("%s", (accept, offer) => {
    expect(negotiate(accept, offers)).toBe(offer);
  });

  it.each(["text/html", "*/*;q=0", "image/png;depth=8", "application/json;q=2", ",", "nonsense"])(
    "refuses %s",
    (accept) => {
      expect(() => negotiate(accept, offers)).toThrow(RequestError);
    },
  );
});
