/** The OpenAPI 3.1 document, generated from the schemas of the routes. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { AttackProgress } from "./attack-schemas.ts";
import type { Env, Limits } from "./operation.ts";

const description = `How little does it take to break a segmentation network? POST an image and an attack; get the
adversarial image, the labels before and after, per-class IoU, mIoU and the IoU ratio.

Images and label maps are sent as files of a multipart form, or as base64 (also \`data:\` URLs) in JSON. ε and α are in grey
levels on the 0..255 scale. Label 255 is void. Errors are RFC 9457 problems.`;

const limitsText = ({ bodyBytes, uploadBytes, steps, gridSteps, epsilons, work }: Limits): string =>
  `Limits of a request: ${bodyBytes} bytes, an upload ${uploadBytes}; ${steps} steps of an attack; ${epsilons} radii and ${gridSteps} steps of a grid; ${work} pixels × steps of all its attacks together.`;

export type Document = ReturnType<OpenAPIHono<Env>["getOpenAPI31Document"]>;

export const openApiDocument = (app: OpenAPIHono<Env>, version: string, limits: Limits): Document => {
  app.openAPIRegistry.register("AttackProgress", AttackProgress);
  app.openAPIRegistry.registerComponent("securitySchemes", "uploadToken", {
    type: "http",
    scheme: "bearer",
    description: "Required if the deployment has a token for uploads",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiToken", {
    type: "http",
    scheme: "bearer",
    description: "Required under /v1 if the deployment has tokens for requests",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Faultline",
      version,
      description: `${description}

${limitsText(limits)}`,
      "x-limits": limits,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{}, { apiToken: [] }],
    tags: [
      { name: "Images", description: "Segmentation of an image, attacks and robustness." },
      { name: "Label maps", description: "Scores without a network." },
      { name: "Evaluations", description: "Networks on data sets, with reports; they run on after the request." },
      { name: "Reports", description: "Scores and intervals of rows." },
      { name: "Models", description: "The available networks." },
      { name: "Attacks", description: "The available attacks." },
      { name: "Health", description: "For load balancers." },
    ],
  });
};
