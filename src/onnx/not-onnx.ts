/** Recognises other file formats that are often mistaken for ONNX models. */

const starts = (bytes: Uint8Array, text: string, at = 0): boolean =>
  bytes.length >= at + text.length && Array.from(text).every((c, i) => bytes[at + i] === c.charCodeAt(0));

/** The first characters in lower case, without a byte order mark and leading white space. */
const opening = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: false, ignoreBOM: false }).decode(bytes.subarray(0, 512)).trimStart().toLowerCase();

const ZIP = "PK\u0003\u0004";
const HDF5 = "\u0089HDF";
/** Pickle protocols 2 to 5. */
const isPickle = (bytes: Uint8Array): boolean => bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5;

const hasFile = (bytes: Uint8Array, name: string): boolean =>
  new TextDecoder("latin1").decode(bytes.subarray(0, 4096)).includes(name);

const EXPORT = "export it to ONNX (torch.onnx.export)";

/** The format of a file that is not an ONNX model, and what to do; undefined if it is not recognised. */
export const foreignFormat = (bytes: Uint8Array): string | undefined => {
  const text = opening(bytes);
  if (text.startsWith("version https://git-lfs"))
    return "is a Git LFS pointer, not the file that it stands for; run git lfs pull";
  if (text.startsWith("<!doctype html") || text.startsWith("<html"))
    return "is an HTML page, not a model; download the file itself";
  if (text.startsWith("<?xml")) return "is an XML file, not a model; OpenVINO networks cannot be read, only ONNX";
  if (starts(bytes, "TFL3", 4)) return "is a TensorFlow Lite model; convert it to ONNX (tf2onnx)";
  if (starts(bytes, "ORTM", 4))
    return "is in onnxruntime's own format (.ort); give the ONNX file that it was made from";
  if (starts(bytes, ZIP)) {
    const isTorch = hasFile(bytes, "data.pkl") || hasFile(bytes, "/constants.pkl");
    return isTorch ? `is a PyTorch checkpoint; ${EXPORT}` : "is a ZIP archive; give the ONNX file that is in it";
  }
  if (isPickle(bytes)) return `is a Python pickle, as PyTorch saves checkpoints; ${EXPORT}`;
  if (starts(bytes, HDF5)) return "is an HDF5 file, as Keras saves models; convert it to ONNX (tf2onnx)";
  if (starts(bytes, "GGUF")) return "is a GGUF model; only ONNX is read";
  if (starts(bytes, '{"', 8)) return "is a safetensors file: it has weights, and no graph";
  if (starts(bytes, "\u001f\u008b")) return "is compressed with gzip; unpack it";
  if (text.startsWith("{") || text.startsWith("[")) return "is a JSON file, not a model";
  return undefined;
};
