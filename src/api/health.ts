/** GET /health/live and /health/ready, for load balancers. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { defineOperation, json, type Operation } from "./operation.ts";
import { problemResponses } from "./problem-schema.ts";

const Live = z.strictObject({ status: z.literal("live") }).openapi("Live");
const Ready = z.strictObject({ status: z.literal("ready") }).openapi("Ready");

export const health = (service: Service): Operation[] => [
  defineOperation(
    {
      method: "get",
      path: "/health/live",
      operationId: "live",
      tags: ["Health"],
      summary: "Is the process up?",
      sample: {},
      responses: {
        200: { description: "It is.", content: { "application/json": { schema: Live } } },
        ...problemResponses(),
      },
    },
    (c) => json(c, Live, { status: "live" }),
  ),
  defineOperation(
    {
      method: "get",
      path: "/health/ready",
      operationId: "ready",
      tags: ["Health"],
      summary: "Can it serve requests?",
      sample: {},
      responses: {
        200: { description: "It can.", content: { "application/json": { schema: Ready } } },
        ...problemResponses("model-unavailable", "stopping"),
      },
    },
    async (c) => {
      await service.ready();
      return json(c, Ready, { status: "ready" });
    },
  ),
];
