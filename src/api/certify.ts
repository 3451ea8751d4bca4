/** POST /v1/certify: labels of an image that no perturbation up to a radius changes. */
import type { Service } from "../contract/service.ts";
import { negotiate } from "./accept.ts";
import { Certificate, certifySpec } from "./certify-schemas.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { imageProblems, problemResponses } from "./problem-schema.ts";
import { readImageRequest } from "./request.ts";
import { encoded, serverTiming } from "./schemas.ts";
import { uploadBody } from "./upload.ts";

const uploadOf = (limits: Limits) => ({
  spec: certifySpec(limits),
  required: { image: "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: { labels: "Ground truth: a PNG of the image's size, 255 void; or in the colours of the classes" },
});

export const certify = (service: Service, limits: Limits): Operation => {
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/certify",
      operationId: "certify",
      tags: ["Images"],
      summary: "Certify labels that no small perturbation changes",
      description:
        "By `method`. `smoothing`: randomised smoothing (SegCertify, ICML 2021) labels the image many times under Gaussian noise, and certifies each pixel whose most frequent label is significantly more frequent than τ. The certificate is one of the network that takes the most frequent label; networks without a gradient can be certified too. `interval` and `linear` bound the margins of the network itself over all images that differ by at most ε grey levels in each channel, for float networks on WebAssembly or native onnxruntime; of deep networks they certify tiny radii only. A network with an operator that has no bound rule is refused by its name.",
      sample: { files: { image: "street.png" }, spec: { model: "enet-street", sigma: 16 } },
      request: { body: uploadBody("Certify", upload, { model: "enet-street", sigma: 16 }) },
      responses: {
        200: { description: "The certificate.", content: { "application/json": { schema: Certificate } } },
        ...problemResponses(...imageProblems),
      },
    },
    async (c) => {
      negotiate(c.req.header("accept"), ["application/json"]);
      const { spec, image, labels } = await readImageRequest(c, upload, limits.bodyBytes);
      const model = spec.model ?? service.defaultModel;
      const result = await service.certify({ spec: { ...spec, model }, image, labels }, { signal: c.req.raw.signal });
      const images = { labels: encoded(result.images.labels), outcome: encoded(result.images.outcome) };
      return json(c, Certificate, { ...result, images }, { "Server-Timing": serverTiming(result.timings) });
    },
  );
};
