/** A case in jax-js on its WASM backend, which in Node has one thread: `node jax.mjs CASE`, see peer.mjs. */

import { create, toBinary } from "@bufbuild/protobuf";
import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { ONNXModel } from "@jax-js/onnx";
import { ModelProtoSchema } from "onnx-buf";
import { graphOf, oneHot, serve } from "./peer.mjs";

/** Whether it has the operator: a node of it alone, without inputs, is otherwise refused by its name. */
const has = (opType) => {
  try {
    new ONNXModel(toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { node: [{ opType }] } }))).run({});
  } catch (cause) {
    return !String(cause).includes(`Unsupported ONNX operation: ${opType}`);
  }
  return true;
};

await serve(async ({ model, image, target, shapes }) => {
  await init("wasm");
  defaultDevice("wasm");
  const lacking = [...new Set(graphOf(model).node.map((node) => node.opType))].filter((op) => !has(op));
  if (lacking.length > 0) throw new Error(`no ${lacking.join(", ")}`);
  const { run } = new ONNXModel(model);
  const x = np.array(image).reshape(shapes.image);
  const hot = np.array(oneHot(target, shapes.logits[1])).reshape(shapes.logits);
  const forward = jit((x) => run({ image: x }).logits);
  const loss = (x, hot) =>
    nn
      .logSoftmax(run({ image: x }).logits, 1)
      .mul(hot)
      .sum()
      .neg();
  const gradient = jit(valueAndGrad(loss));
  return {
    forward: () => forward(x.ref).data(),
    gradient: async () => {
      const [value, dx] = gradient(x.ref, hot.ref);
      value.dispose();
      return dx.data();
    },
  };
});
