/** A case of Conv, PRelu and Add in TensorFlow.js on its WASM backend: `node tfjs.mjs CASE`, see peer.mjs. */

import { setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { graphOf, oneHot, serve } from "./peer.mjs";

const floats = ({ rawData }) => new Float32Array(rawData.slice().buffer);

/** NCHW to NHWC, the layout of its kernels. */
const channelsLast = (data, shape) => tf.transpose(tf.tensor(data, shape), [0, 2, 3, 1]);

/** Weights as its kernels take them: of a convolution [h,w,in,out], of PRelu one a channel, last. */
const weightOf = (tensor) => {
  const shape = tensor.dims.map(Number);
  const data = tf.tensor(floats(tensor), shape);
  return shape.length === 4 ? tf.transpose(data, [2, 3, 1, 0]) : tf.reshape(data, [-1]);
};

const intsOf = (node, name) => node.attribute.find((a) => a.name === name)?.ints.map(Number);

const operators = {
  Add: (_, a, b) => tf.add(a, b),
  Identity: (_, x) => x,
  PRelu: (_, x, slope) => tf.prelu(x, slope),
  Conv: (node, x, w, bias) => {
    const pads = w.shape.slice(0, 2).map((k) => (k - 1) / 2);
    if (intsOf(node, "pads").join() !== [...pads, ...pads].join()) throw new Error("Conv: only with SAME padding");
    const y = tf.conv2d(x, w, intsOf(node, "strides") ?? [1, 1], "same", "NHWC", intsOf(node, "dilations") ?? [1, 1]);
    return bias ? tf.add(y, bias) : y;
  },
};

const network = (graph) => {
  if (graph.node.some((node) => intsOf(node, "dilations")?.some((d) => d > 1))) {
    throw new Error("no gradient of a dilated convolution");
  }
  const weights = graph.initializer.map((t) => [t.name, weightOf(t)]);
  return (image) => {
    const values = new Map([...weights, [graph.input[0].name, image]]);
    for (const node of graph.node) {
      const operator = operators[node.opType];
      if (!operator) throw new Error(`not written for this bench: ${node.opType}`);
      values.set(node.output[0], operator(node, ...node.input.map((name) => values.get(name))));
    }
    return values.get(graph.output[0].name);
  };
};

// Registers the gradients of tfjs-core, whose bundle for Node has none.
await import("@tensorflow/tfjs-layers");

await serve(async ({ model, image, target, shapes }) => {
  setThreadsCount(1);
  await tf.setBackend("wasm");
  const run = network(graphOf(model));
  const x = channelsLast(image, shapes.image);
  const hot = channelsLast(oneHot(target, shapes.logits[1]), shapes.logits);
  const loss = (x) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(run(x)), hot)));
  const gradient = tf.grad(loss);
  return {
    forward: () => tf.tidy(() => run(x)).dataSync(),
    gradient: () => tf.tidy(() => gradient(x)).dataSync(),
    check: () => tf.tidy(() => tf.transpose(gradient(x), [0, 3, 1, 2])).dataSync(),
  };
});
