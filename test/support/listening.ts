/** An application on a free port of this machine. */

import { serve, type ServerType } from "@hono/node-server";

export const listening = (
  fetch: Parameters<typeof serve>[0]["fetch"],
): Promise<{ readonly server: ServerType; readonly url: string }> =>
  new Promise((resolve) => {
    const server = serve({ fetch, port: 0 }, ({ port }) => resolve({ server, url: `http://127.0.0.1:${port}` }));
  });
