/** What the pages read of the OpenAPI document. */
import type { Schema } from "./docs-fields.ts";

export type Content = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema?: Schema;
}

export interface DocumentedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
  readonly "x-codeSamples": readonly { readonly label: string; readonly source: string }[];
}

export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly operation: DocumentedOperation;
}
