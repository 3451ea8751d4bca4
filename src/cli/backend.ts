/** `--backend`: the backend on which a command runs its network. */

/** Budget of WASM memory of a command, in bytes: almost all that WASM can address. */
export const WASM_BUDGET_BYTES = 2 ** 31;

export const backendOption = {
  type: "string",
  value: "NAME",
  default: "wasm",
  help: "auto, webgpu or wasm: where it runs; auto: WebGPU where there is a GPU",
} as const;
