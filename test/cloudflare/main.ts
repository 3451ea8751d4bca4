/** The Worker of these tests: the Workflow of runs, whose parcels nobody carries out but the tests. */

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { fanOut } from "../../src/cloudflare/fan-out.ts";
import type { Run } from "../../src/cloudflare/ledger.ts";
import { workingsIn, type Bindings } from "./engine.ts";

export class EvaluationRun extends WorkflowEntrypoint<Bindings, Run> {
  override run({ payload }: Readonly<WorkflowEvent<Run>>, step: WorkflowStep): Promise<string> {
    return fanOut(
      payload,
      { do: (name, work) => step.do(name, work), sleep: (name, milliseconds) => step.sleep(name, milliseconds) },
      workingsIn(this.env),
    );
  }
}

export default { fetch: () => new Response() };
