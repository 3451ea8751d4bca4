/** What wrangler makes of imported files. */

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
