/** Where an S3-compatible bucket is, and who asks: the address from the command line, all else from the environment's usual variables. */

import { Refusal, UsageError } from "./failure.ts";

export interface S3Address {
  readonly bucket: string;
  /** Without "/" at its ends; empty for the whole bucket. */
  readonly key: string;
  /** A data set that was pushed there. */
  readonly set?: string | undefined;
}

const SCHEME = "s3://";

/** Whether a path of the command line is in a bucket. */
export const isInBucket = (path: string): boolean => path.startsWith(SCHEME);

/** URLs have no such parts: they would be taken out of a key on its way. */
const isStepped = (key: string): boolean => key.split("/").some((part) => part === "." || part === "..");

/** @throws UsageError for what is no address. */
export const parseAddress = (path: string): S3Address => {
  const form = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^#]*))?(?:#([^#]*))?$/s;
  const [, bucket, key = "", set] = form.exec(path) ?? [];
  const trimmed = key.replaceAll(/^\/+|\/+$/g, "");
  if (bucket !== undefined && !isStepped(trimmed) && set !== "") return { bucket, key: trimmed, set };
  throw new UsageError(
    `${path}: an address in a bucket is of the form s3://BUCKET/PREFIX, with a bucket of 3 to 63 small letters, digits, dots and hyphens; #NAME behind it is a data set that was pushed there`,
  );
};

/** The address of an object, as it is given. */
export const addressOf = ({ bucket, key }: S3Address): string => `${SCHEME}${bucket}${key === "" ? "" : `/${key}`}`;

export interface S3Settings {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly region: string;
  /** Of the service, without "/" at its end. */
  readonly endpoint: string;
  /** Whether the bucket is a part of the path, and not of the host. */
  readonly isPathStyle: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The first that is set and not empty. */
const first = (environment: Environment, ...names: readonly string[]): string | undefined =>
  names.map((name) => environment[name]).find((value) => value !== undefined && value !== "");

const endpointFrom = (environment: Environment): string | undefined => {
  const given = first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  if (given === undefined) return undefined;
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given.replace(/\/+$/, "");
  throw new Refusal(`AWS_ENDPOINT_URL must be the address of a service, as in https://s3.example, not "${given}"`);
};

/** Only AWS itself asks for the bucket in the host, where its certificate has no name for a bucket with dots. */
const pathStyleFrom = (environment: Environment, bucket: string, isOwnService: boolean): boolean => {
  const given = first(environment, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST")?.toLowerCase();
  if (given === undefined) return isOwnService || bucket.includes(".");
  if (given === "true" || given === "false") return given === "false";
  throw new Refusal(`AWS_VIRTUAL_HOSTED_STYLE_REQUEST must be true or false, not "${given}"`);
};

/** @throws Refusal that names the variable that is missing or wrong. */
export const settingsFor = (bucket: string, environment: Environment = process.env): S3Settings => {
  const [accessKeyId, secretAccessKey] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map((name) => {
    const value = first(environment, name);
    if (value !== undefined) return value;
    throw new Refusal(
      `${SCHEME}${bucket} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment; ${name} is not set`,
    );
  }) as [string, string];
  const region = first(environment, "AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint = endpointFrom(environment);
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: first(environment, "AWS_SESSION_TOKEN"),
    region,
    endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
    isPathStyle: pathStyleFrom(environment, bucket, endpoint !== undefined),
  };
};
