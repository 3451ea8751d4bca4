/** `Prefer: respond-async` (RFC 7240) on POST /v1/robustness: an evaluation of the request's own images is its answer, later. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { requestSets, type DataSets } from "../contract/data.ts";
import { MS_PER_HOUR, type EvaluationInfo, type Evaluations } from "../contract/evaluations.ts";
import { FaultlineError } from "../contract/failure.ts";
import type {
  Labelled,
  PreparedRobustness,
  RobustnessAnswer,
  RobustnessSetAnswer,
  RobustnessSetRequest,
} from "../contract/robustness.ts";
import type { Service } from "../contract/service.ts";
import { sha256Of } from "../digest.ts";
import { changing, of, setOf, type EvaluationAccess } from "./evaluation-access.ts";
import { IdempotencyKey, keyOf } from "./evaluation-request.ts";
import type { Env } from "./operation.ts";

/** Where a data set of a request keeps what is not an image: `PreparedRobustness`. */
const REQUEST = "request.json";

export const PREFERENCE = "respond-async";

export const laterHeaders = z.object({
  Prefer: z.enum([PREFERENCE]).optional().openapi({
    description:
      "Answers with 202 and an evaluation of the request's own images, whose steps are bounded by hours of a processor alone; ignored where evaluations or data sets are disabled, for another backend than that of evaluations, and for other answers than JSON",
  }),
  "Idempotency-Key": IdempotencyKey,
});

const isPreferred = (c: Context<Env>): boolean =>
  (c.req.header("prefer") ?? "").split(",").some((each) => each.split(/[;=]/)[0]!.trim().toLowerCase() === PREFERENCE);

/** Whether the request is answered later: it prefers that, and the service has what it takes, on the backend that is wanted. */
export const isLater = (
  c: Context<Env>,
  { evaluations, data }: Service,
  { backend = "auto" }: Pick<RobustnessSetRequest["spec"], "backend">,
): boolean =>
  isPreferred(c) &&
  evaluations !== undefined &&
  data !== undefined &&
  ["auto", evaluations.backend ?? "wasm"].includes(backend);

/** What is known of the request that has left this data set; null where none has. */
const kept = async (data: DataSets, name: string): Promise<PreparedRobustness | null> => {
  const request = await data.file(name, REQUEST);
  return request && (JSON.parse(new TextDecoder().decode(request)) as PreparedRobustness);
};

/** The images with their label maps, and what is known of the request, by their paths in its data set. */
const filesOf = ({ pictures }: RobustnessSetRequest, prepared: PreparedRobustness): Record<string, Uint8Array> => ({
  [REQUEST]: new TextEncoder().encode(JSON.stringify(prepared)),
  ...Object.fromEntries(
    prepared.pictures.flatMap(({ image, labels }, i) => {
      const given = pictures[i]!;
      return [[image, given.image] as const, ...(labels ? [[labels, given.labels!] as const] : [])];
    }),
  ),
});

const digestsOf = ({ image, labels }: Labelled): Promise<string[]> =>
  Promise.all((labels ? [image, labels] : [image]).map((bytes) => sha256Of(new Uint8Array(bytes))));

/** A data set for each evaluation: with a key, the same request has the same, whatever has become of its network since. */
const nameFor = async (key: string | undefined, { spec, pictures }: RobustnessSetRequest): Promise<string> => {
  if (key === undefined) return requestSets + crypto.randomUUID().replaceAll("-", "");
  const digests = await Promise.all(pictures.map(digestsOf));
  return requestSets + (await sha256Of(JSON.stringify([key, spec, digests]))).slice(0, 32);
};

const isCancelled = (cause: unknown): boolean => cause instanceof FaultlineError && cause.failure.kind === "cancelled";

/** Keeps the images and submits their evaluation. @throws FaultlineError for what the request, or such an evaluation, is refused for. */
export const begin = async (
  c: Context<Env>,
  service: Service,
  access: EvaluationAccess,
  asked: RobustnessSetRequest,
): Promise<EvaluationInfo> => {
  const evaluations = changing(service, c, access);
  const data = service.data!;
  const { signal } = c.req.raw;
  const idempotencyKey = keyOf(c);
  const name = await nameFor(idempotencyKey, asked);
  const known = idempotencyKey === undefined ? null : await kept(data, name);
  const prepared = known ?? (await service.prepareRobustness(asked, { signal }));
  if (!known) await data.keep(name, filesOf(asked, prepared));
  const { evaluation: spec } = prepared;
  try {
    const request = { spec: { ...spec, data: { ...spec.data, path: name } }, idempotencyKey };
    return (await evaluations.submit(request, { signal })).evaluation;
  } catch (cause) {
    // A client that has left may be back already, with the same key: that request needs the images.
    const mayReturn = idempotencyKey !== undefined && isCancelled(cause);
    if (!known && !mayReturn) await data.remove(name);
    throw cause;
  }
};

const refused = ({ state }: EvaluationInfo, reason: string): FaultlineError =>
  new FaultlineError({ kind: "evaluation-state", state, reason });

const waiting = ({ state, units: { total, done } }: EvaluationInfo): string =>
  state === "queued" || state === "running"
    ? "its answer is made at its end"
    : `${total - done} of ${total} units have no row; a retry goes on with them`;

/** @throws FaultlineError evaluation-state where there is no answer. */
export const conclude = async (
  service: Service,
  id: string,
  signal: AbortSignal,
): Promise<RobustnessAnswer | RobustnessSetAnswer> => {
  const evaluations = of(service);
  const info = await evaluations.get(id);
  const name = setOf(info);
  if (name === null) throw refused(info, "POST /v1/robustness did not ask for it; it has a report");
  if (info.state !== "done") throw refused(info, waiting(info));
  const prepared = service.data ? await kept(service.data, name) : null;
  if (!prepared) throw refused(info, `its data set ${name} was deleted; its rows and its report are there`);
  const { body } = await evaluations.rows(id);
  const rows = new Uint8Array(await new Response(body).arrayBuffer());
  return service.concludeRobustness({ prepared, rows, milliseconds: info.spentCpuHours * MS_PER_HOUR }, { signal });
};

/** Deletes an evaluation, and the images that a request of its own has left for it. */
export const removeWithImages = async (service: Service, evaluations: Evaluations, id: string): Promise<void> => {
  const name = setOf(await evaluations.get(id));
  await evaluations.remove(id);
  if (name !== null && (await service.data?.file(name, REQUEST))) await service.data?.remove(name);
};
