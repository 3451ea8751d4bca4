import { afterAll, beforeAll, describe } from "vitest";
import { openBucket } from "../../src/node/s3.ts";
import { askerOf } from "../../src/node/s3-request.ts";
import { settingsFor } from "../../src/node/s3-settings.ts";
import { bucketUploads } from "../../src/store/bucket.ts";
import { hasMoto, motoNote, startMoto } from "../support/s3/moto.ts";
import { startS3 } from "../support/s3/server.ts";
import { describeStore } from "./suite.ts";

let made = 0;

describe.each([
  ["a strict service, whose lists come in pages", true, () => startS3({ pageSize: 1 })],
  [`moto${motoNote}`, hasMoto, startMoto],
] as const)("%s", (_, isThere, start) => {
  describe.skipIf(!isThere)("S3", () => {
    let service: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => void (service = await start()));
    afterAll(() => service.end());
    describeStore("an S3-compatible bucket", () => {
      const asker = (bucket: string) => askerOf(bucket, settingsFor(bucket, service.environment));
      return Promise.resolve(bucketUploads(openBucket(`s3://results/uploads/${made++}`, asker)));
    });
  });
});
