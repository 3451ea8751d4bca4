/** The OpenAPI schema of requests with images: the same fields as multipart/form-data and as JSON. */
import { z } from "@hono/zod-openapi";
import type { PartName } from "../contract/files.ts";
import { MAX_FILES } from "./body-fields.ts";
import { base64, file } from "./schemas.ts";

const imageTypes = "image/png, image/jpeg, image/webp, application/x-npy";

type Parts = Partial<Readonly<Record<PartName, string>>>;

interface Documented {
  /** Parts that may be several files. */
  readonly repeated?: readonly PartName[];
  readonly spec: z.ZodType;
  readonly required: Parts;
  readonly optional: Parts;
}

/** The OpenAPI body of an upload; the spec is required unless `{}` is a valid spec. */
export const uploadBody = (name: string, upload: Documented, example: unknown) => {
  const parts: Parts = { ...upload.required, ...upload.optional };
  const shape = (field: (description: string) => z.ZodType) =>
    Object.fromEntries(
      Object.entries(parts).map(([part, description]) => {
        const one = field(description);
        const isRepeated = upload.repeated?.includes(part as PartName);
        const schema = isRepeated ? z.union([one, z.array(one).min(1).max(MAX_FILES)]).openapi({ description }) : one;
        return [part, part in upload.required ? schema : schema.optional()];
      }),
    );
  const spec = upload.spec.safeParse({}).success ? upload.spec.optional() : upload.spec;
  const encoding = Object.fromEntries(Object.keys(parts).map((part) => [part, { contentType: imageTypes }]));
  const sample = Object.fromEntries(Object.keys(upload.required).map((part) => [part, "iVBORw0KGgo…"]));
  return {
    required: true,
    content: {
      "multipart/form-data": {
        schema: z
          .strictObject({ ...shape((description) => file("application/octet-stream", description)), spec })
          .openapi(`${name}Form`),
        encoding: { ...encoding, spec: { contentType: "application/json" } },
      },
      "application/json": {
        schema: z.strictObject({ ...shape(base64), spec }).openapi(`${name}Json`),
        example: { ...sample, spec: example },
      },
    },
  };
};
