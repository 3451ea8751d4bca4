/** What is wrong with a request, field by field. */

/** A field at fault. `pointer` is an RFC 6901 JSON pointer into the request; multipart parts are its first level. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
  readonly received?: unknown;
  readonly accepted?: readonly (string | number)[];
}
