/** `--backend`: the backend on which a command runs its network. */

export const backendOption = {
  type: "string",
  value: "NAME",
  default: "wasm",
  help: "auto, webgpu or wasm: where it runs; auto: WebGPU where there is a GPU",
} as const;
