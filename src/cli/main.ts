/** `faultline`: the entry of the command line. */

import packageJson from "../../package.json";
import type { Command, Io } from "./command.ts";
import { differentiate } from "./differentiate.ts";
import { lineOf, UsageError } from "../node/failure.ts";
import { importNetwork } from "./import.ts";
import { inspect } from "./inspect.ts";
import { quantizeNetwork } from "./quantize.ts";

const commands: readonly Command[] = [inspect, differentiate, quantizeNetwork, importNetwork];

const help = `Usage: faultline COMMAND NET.onnx [options]

Gradients, quantisation and checks of segmentation networks in ONNX.

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(15)}${summary}`).join("\n")}

  faultline COMMAND --help   the options of a command
  faultline --version        the version

NET.onnx is a file, or the name of a network that ships: faultline inspect pspnet-resnet

Results go to stdout, with --json for machines; progress and errors to stderr.
Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong.
`;

const dispatch = async (argv: readonly string[], io: Io): Promise<void> => {
  const [first, ...rest] = argv;
  if (first === "--version") return io.stdout(`faultline ${packageJson.version}\n`);
  const named = commands.find(({ name }) => name === (first === "help" ? rest[0] : first));
  if (named && first === "help") return io.stdout(named.help);
  if (named) return named.run(rest, io);
  if (first === "--help" || first === "-h" || (first === "help" && rest.length === 0)) return io.stdout(help);
  const wanted = first === undefined ? "a command is missing" : `there is no command "${argv.join(" ")}"`;
  throw new UsageError(`${wanted}; there are ${commands.map(({ name }) => name).join(", ")}; see faultline --help`);
};

/**
 * Runs a command line, e.g. `["inspect", "net.onnx"]`.
 *
 * @returns the exit code: 0 for success, 1 for a refusal or failure, 2 for an invalid command line. Never throws.
 */
export const run = async (argv: readonly string[], io: Io): Promise<number> => {
  try {
    await dispatch(argv, io);
    return 0;
  } catch (error) {
    io.stderr(`faultline: ${lineOf(error)}\n`);
    if (argv.includes("--debug")) io.stderr(`${stackOf(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
};

/** The stack of the error, followed by those of its causes. */
const stackOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
};
