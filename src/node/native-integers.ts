/** Native onnxruntime with integer kernels that are exact on this processor. */

import { createBuilder } from "../onnx/build.ts";
import { writeModel } from "../onnx/write.ts";
import { startNative, type NativeOptions } from "../runtime/native/native.ts";
import { RuntimeError, type Runtime } from "../runtime/session.ts";
import { tensorOf } from "../tensor.ts";

const TERMS = 64;
const same = (value: number): number[] => Array.from({ length: TERMS }, () => value);

/** Whether Σ 255·127 over 64 terms, the products of uint8 and int8, is exact. Where pairs of products saturate in 16 bits it is about half. */
export const sumsExactly = async (runtime: Runtime): Promise<boolean> => {
  const op = createBuilder("sum");
  const a = op.input("a", "uint8", [1, TERMS]);
  const weights = op.tensor(tensorOf("int8", [TERMS, 1], same(127)), "weights");
  const session = await runtime.createSession(
    writeModel(op.model({ y: op.append("MatMulInteger", [a, weights], {})[0]! })),
  );
  const { y } = await session.run({ a: tensorOf("uint8", [1, TERMS], same(255)) });
  await session.release();
  return y!.data[0] === TERMS * 255 * 127;
};

/** Starts native onnxruntime, with int8 weights as uint8 where its kernels need that to be exact. @throws RuntimeError where it is not even then. */
export const startExactNative = async (options: NativeOptions): Promise<Runtime> => {
  const fast = await startNative(options);
  if (await sumsExactly(fast)) return fast;
  const exact = await startNative({ ...options, exactWeights: true });
  if (await sumsExactly(exact)) return exact;
  throw new RuntimeError("native onnxruntime adds products of 8-bit integers inexactly on this processor");
};
