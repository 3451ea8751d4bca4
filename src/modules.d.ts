/** What wrangler makes of imported files. */

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

/** Read as text: esbuild's loader `text`. */
declare module "*.wgsl" {
  const source: string;
  export default source;
}
