/** The house plan: the rooms of src and who may import whom. `imports.test.ts` holds it; CONTRIBUTING.md shows it. */

/**
 * What each room of src may import, beside itself: a room, or one file of it; `type` before it: types only. Rooms that are
 * not here yet stand as the design has them.
 */
export const rooms: Readonly<Record<string, readonly string[] | "anything">> = {
  tensor: [],
  random: ["tensor"],
  reason: [],
  digest: [],
  yield: [],
  validation: ["type contract/field-error"],
  onnx: ["tensor"],
  autodiff: ["onnx", "tensor"],
  transforms: ["onnx", "tensor", "random"],
  objectives: ["onnx", "tensor"],
  crf: ["onnx", "tensor"],
  lowering: ["autodiff", "onnx", "runtime/memory", "tensor"],
  // Activation ranges are observed by running the graph, in a session that is passed in.
  quantize: ["onnx", "tensor", "type runtime/session"],
  runtime: ["tensor", "reason", "../kernels"],
  attacks: ["tensor", "random"],
  datasets: ["tensor", "random"],
  image: ["tensor"],
  metrics: ["tensor"],
  segmenter: ["onnx", "autodiff", "lowering", "quantize", "transforms", "objectives", "crf", "runtime", "tensor"],
  contract: [
    "type tensor",
    "type segmenter/manifest",
    "type segmenter/hierarchy",
    "type attacks/catalogue",
    "type attacks/options",
    "type attacks/norms",
    "type evaluation",
    "type transforms/pipeline",
    "type certify",
  ],
  // Device steps are reported by the session's own types.
  evaluation: [
    "segmenter",
    "attacks",
    "objectives",
    "metrics",
    "image",
    "datasets",
    "tensor",
    "random",
    "type runtime/session",
    "digest",
    "validation",
  ],
  // Pure: rows in, scores, reports and verdicts out.
  report: ["evaluation/row", "attacks/catalogue", "type evaluation/craft", "metrics", "random", "digest", "validation"],
  certify: ["onnx", "autodiff", "segmenter", "attacks", "metrics", "type runtime/session", "tensor", "random"],
  // A refused size (OnnxError) and a failing backend (RuntimeError) are told apart from faults of our own.
  networks: [
    "segmenter",
    "objectives",
    "contract",
    "tensor",
    "reason",
    "digest",
    "runtime/session",
    "runtime/choose",
    "type runtime",
    "onnx/graph",
    "crf/parameters",
    "transforms/pipeline",
  ],
  // A network's file as init, import and the lab take it in.
  intake: ["segmenter", "datasets", "type onnx/graph", "tensor", "random", "digest"],
  // Whatever keeps rows and starts workers is handed in.
  jobs: [
    "evaluation",
    "networks",
    "type datasets/dataset",
    "intake/palettes",
    "objectives/cross-entropy",
    "type segmenter/manifest",
    "type segmenter/segmenter",
    "type segmenter/gather",
    "segmenter/session-cache",
    "runtime/session",
    "metrics",
    "reason",
    "tensor",
  ],
  // Evaluations of a Worker: Queues, Workflows, D1 and R2, whose bindings are handed in.
  cloudflare: [
    "jobs",
    "evaluation",
    "contract",
    "report",
    "reason",
    "digest",
    "networks",
    "segmenter",
    "datasets",
    "intake/palettes",
    "metrics",
    "tensor",
    "type store/r2-data",
  ],
  service: [
    "networks",
    "evaluation",
    "certify",
    "report",
    "attacks/catalogue",
    "attacks/options",
    "type objectives",
    "image",
    "contract",
    "segmenter",
    "metrics",
    "tensor",
    "runtime/session",
    "onnx/graph",
    "digest",
    "yield",
  ],
  // The names, the ranges and the prose of the attacks derive from their catalogue; a manifest and the specification of an evaluation are
  // also bodies of requests.
  api: [
    "contract",
    "segmenter/manifest",
    "attacks/catalogue",
    "attacks/options",
    "attacks/option-faults",
    "attacks/norms",
    "evaluation/spec",
    "evaluation/targeted",
    "type tensor",
    "yield",
    "validation",
  ],
  store: ["type networks/upload-store", "contract/failure", "type contract/data", "digest"],
  modules: [],
  shipped: ["../models"],
  worker: "anything",
  node: "anything",
  serve: "anything",
  cli: "anything",
  playground: "anything",
};

/** Entry points stand at the top: these import them from nowhere but above. */
export const never: Readonly<Record<string, readonly string[]>> = {
  node: ["cli", "serve", "playground", "worker"],
  serve: ["cli", "playground", "worker"],
  cli: ["serve", "playground", "worker"],
  playground: ["cli", "serve", "node", "worker"],
  worker: ["cli", "serve", "node", "playground"],
};

/** Where each package may be imported: a room, or a file. A package that is not here may be imported nowhere. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/protobuf": ["onnx/inline", "onnx/read", "onnx/write", "onnx/tensor-proto"],
  "onnx-buf": ["onnx/inline", "onnx/read", "onnx/write", "onnx/tensor-proto"],
  "onnxruntime-web": ["runtime", "worker", "playground"],
  "onnxruntime-node": ["runtime/native"],
  webgpu: ["runtime/gpu/node"],
  hono: ["api", "worker", "serve"],
  "@hono/zod-openapi": ["api"],
  "@hono/node-server": ["serve"],
  zod: ["validation", "segmenter/manifest", "evaluation/spec", "evaluation/targeted", "report/policy"],
  vega: ["node/charts", "playground/report"],
  "vega-lite": ["node/charts", "playground/report"],
  "vega-interpreter": ["playground/report"],
  yaml: ["cli/evaluate-options", "cli/policy-file"],
  "hyparquet-writer": ["cli/parquet"],
  hyparquet: ["cli/read-parquet"],
  fflate: ["image"],
  "@jsquash/jpeg": ["image", "worker"],
  "@jsquash/webp": ["image", "worker"],
  bullmq: ["node/redis-workers", "node/redis-service"],
  ioredis: ["node/redis"],
  "@resvg/resvg-js": ["datasets/street/resvg"],
  "@resvg/resvg-wasm": ["cloudflare/resvg", "worker"],
  "csv-parse": ["datasets/list"],
  node: [
    "image/node",
    "image/node-zlib",
    "runtime/gpu/node",
    "runtime/native",
    "runtime/webgpu/node",
    "store/folder",
    "store/folder-data",
    "node",
    "serve",
    "cli",
  ],
  cloudflare: ["worker"],
};

/** What CONTRIBUTING.md says that a room may import. */
export const writtenImports = (room: string): string => {
  const allowed = rooms[room];
  if (allowed === undefined || allowed === "anything") return allowed ?? "nothing";
  return allowed.length === 0 ? "nothing" : allowed.map((entry) => `\`${entry}\``).join(", ");
};
