/** What the frameworks beside Faultline share: to read a case, and to answer peer.ts on standard input and output. */

import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const folder = process.argv[2];
const bytes = (name) => Uint8Array.from(readFileSync(`${folder}/${name}`));

/** The folder's model.onnx (image ↦ logits), image.f32, target.i32 [1,H,W], and the shapes of image and logits, NCHW. */
const readCase = () => ({
  model: bytes("model.onnx"),
  image: new Float32Array(bytes("image.f32").buffer),
  target: new Int32Array(bytes("target.i32").buffer),
  shapes: JSON.parse(readFileSync(`${folder}/case.json`, "utf8")),
});

export const graphOf = (model) => fromBinary(ModelProtoSchema, model).graph;

/** [classes,H,W]: 1 where that is the pixel's class. */
export const oneHot = (target, classes) => {
  const hot = new Float32Array(classes * target.length);
  for (const [i, k] of target.entries()) hot[k * target.length + i] = 1;
  return hot;
};

/** A message to the bench. */
const answer = (message) => console.log(JSON.stringify(message));

/**
 * Writes gradient.f32, shaped as the image, and says `{ready}`; or says why not, `{refused}`. Then for each line, `forward`
 * or `gradient`, runs that once and says `{ms}`, of the processor.
 *
 * @param prepare gives the tasks, each of which resolves to its result's data; `check` is the gradient, where `gradient`
 * has it in another layout.
 */
export const serve = async (prepare) => {
  try {
    const tasks = await prepare(readCase());
    writeFileSync(`${folder}/gradient.f32`, await (tasks.check ?? tasks.gradient)());
    answer({ ready: true });
    for await (const line of createInterface(process.stdin)) {
      const start = process.cpuUsage();
      await tasks[line]();
      const { user, system } = process.cpuUsage(start);
      answer({ ms: (user + system) / 1000 });
    }
  } catch (cause) {
    answer({ refused: cause.message.split("\n", 1)[0] });
  }
};
