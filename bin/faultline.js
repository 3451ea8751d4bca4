#!/usr/bin/env node
// The command line. In a checkout the first call after a change compiles src/ to lib/; the package has lib/ alone.

import { build } from "./build.js";

// A reader that has seen enough, such as head, closes the pipe.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

build();
const { run } = await import("../lib/cli/main.js");
process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
});
