/** A file imported with `?url`: its address relative to the bundle. */
declare module "*?url" {
  const url: string;
  export default url;
}

/** The address of the file's gzip. */
declare module "*?gzip" {
  const url: string;
  export default url;
}

/** The size of the file in bytes. */
declare module "*?bytes" {
  const bytes: number;
  export default bytes;
}
