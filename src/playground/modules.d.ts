/** What the bundler makes of files imported by `?url`: their address, relative to the bundle. */
declare module "*?url" {
  const url: string;
  export default url;
}

/** The address of the file's gzip. */
declare module "*?gzip" {
  const url: string;
  export default url;
}
