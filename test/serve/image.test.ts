/** The Dockerfile, as far as it can be checked without Docker: what it copies is there, and what it starts starts. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json";
import { parseSettings } from "../../src/serve/settings.ts";
import { root } from "./serving.ts";

const dockerfile = readFileSync(`${root}Dockerfile`, "utf8").replaceAll("\\\n", " ");
const instructions = dockerfile.split("\n").filter((line) => /^[A-Z]/.test(line));
const after = (name: string): string[] =>
  instructions.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));

/** What comes from the checkout, not from another stage. */
const copied = after("COPY").flatMap((line) => (line.startsWith("--from") ? [] : line.split(" ").slice(0, -1)));
const entry = JSON.parse(after("ENTRYPOINT")[0]!) as string[];

describe("the Dockerfile", () => {
  it("copies what is there", () => {
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
  });

  it("lets through .dockerignore what it copies, and nothing else at the top", () => {
    const lines = readFileSync(`${root}.dockerignore`, "utf8").split("\n");
    const admitted = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    expect(lines).toContain("*");
    expect(admitted.toSorted()).toEqual([...new Set(copied)].toSorted());
    expect(lines).toEqual(expect.arrayContaining(["models/training", "**/__pycache__"]));
  });

  it("starts the server as npm does, with settings that it takes", () => {
    // npm's script builds first, which the image has done in a stage of its own.
    expect(packageJson.scripts.serve.split(" && ")).toEqual([
      "npm run --silent build:lib",
      entry.slice(0, 2).join(" "),
    ]);
    expect(dockerfile).toContain("\nRUN npm run build:lib\n");
    // The page /lab, which the server looks for beside lib/.
    expect(dockerfile).toContain("\nRUN npm run build:browser\n");
    expect(dockerfile.split(/^FROM /m).at(-1)).toContain("\nCOPY --from=build /app/dist/browser dist/browser\n");
    expect(existsSync(`${root}${entry[1]!.replace(/^lib/, "src").replace(/js$/, "ts")}`)).toBe(true);
    expect(parseSettings(entry.slice(2), {})).toMatchObject({ host: "0.0.0.0", port: 8787, models: "models" });
    expect(after("EXPOSE")).toEqual(["8787"]);
  });

  it("has a Vulkan loader beside Node, and asks for a GPU's graphics", () => {
    // Dawn opens libvulkan.so.1 by its name; the container toolkit mounts Vulkan's driver for "graphics" alone.
    const runtime = dockerfile.split(/^FROM /m).at(-1)!;
    expect(runtime.indexOf("libvulkan1")).toBeGreaterThan(0);
    expect(runtime.indexOf("libvulkan1")).toBeLessThan(runtime.indexOf("USER node"));
    expect(after("ENV").join(" ")).toMatch(/NVIDIA_DRIVER_CAPABILITIES=\S*\bgraphics\b/);
  });

  it("has a Node that the package takes, no development packages, and no root", () => {
    expect(after("ARG")).toEqual(["NODE_IMAGE=node:22-slim"]);
    for (const image of after("FROM")) expect(image).toMatch(/^\$\{NODE_IMAGE\}( |$)/);
    expect(after("RUN")[0]).toMatch(/^npm ci --omit=dev --ignore-scripts /);
    expect(after("USER")).toEqual(["node"]);
  });
});
