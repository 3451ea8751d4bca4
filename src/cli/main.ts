/** `faultline`: the entry of the command line. */

import { version } from "../node/package.ts";
import type { Command, Io } from "./command.ts";

interface Entry {
  /** In a few words, for the list of commands. */
  readonly summary: string;
  /** Imports the command when it is called: the help of the whole needs none of them. */
  readonly load: () => Promise<Command>;
}

const commands: Readonly<Record<string, Entry>> = {
  inspect: {
    summary: "operators, what blocks a gradient, cost and memory of a network",
    load: async () => (await import("./inspect.ts")).inspect,
  },
  differentiate: {
    summary: "write a network with its gradient as one ONNX file",
    load: async () => (await import("./differentiate.ts")).differentiate,
  },
  quantize: {
    summary: "write a float network with int8 weights and arithmetic",
    load: async () => (await import("./quantize.ts")).quantizeNetwork,
  },
  init: {
    summary: "write a network's manifest from its file",
    load: async () => (await import("./init.ts")).initNetwork,
  },
  import: {
    summary: "check a network, with its manifest or without, and store both among the models",
    load: async () => (await import("./import.ts")).importNetwork,
  },
  attack: {
    summary: "attack pictures, and score the network on them before and after",
    load: async () => (await import("./attack.ts")).attackPictures,
  },
  universal: {
    summary: "make one perturbation that changes the labels of many pictures",
    load: async () => (await import("./universal.ts")).makeUniversal,
  },
  evaluate: {
    summary: "attack networks on a data set, and keep a row of counts of each picture and attack",
    load: async () => (await import("./evaluate.ts")).evaluateNetworks,
  },
  worker: {
    summary: "carry out units of evaluations that run elsewhere, from a queue on Redis",
    load: async () => (await import("./worker.ts")).serveWork,
  },
  data: {
    summary: "send a data set to a service, whose evaluations can then name it",
    load: async () => (await import("./data.ts")).sendData,
  },
  report: {
    summary: "scores, intervals and verdicts from the rows of evaluate, as a page",
    load: async () => (await import("./report.ts")).reportResults,
  },
  gate: {
    summary: "whether rows satisfy a policy, for CI",
    load: async () => (await import("./gate.ts")).gateResults,
  },
  audit: {
    summary: "whether gradient attacks on a network are to be believed",
    load: async () => (await import("./audit.ts")).auditNetwork,
  },
  certify: {
    summary: "labels that no perturbation up to a radius can change",
    load: async () => (await import("./certify.ts")).certifyPictures,
  },
};

const help = `Usage: faultline COMMAND NET.onnx [options]

Attacks, gradients, quantisation and checks of segmentation networks in ONNX.

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(15)}${summary}`)
  .join("\n")}

  faultline COMMAND --help   the options of a command
  faultline --version        the version

NET.onnx is a file, or the name of a network that ships: faultline inspect pspnet-resnet

Results go to stdout, with --json for machines; progress and errors to stderr.
Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong, 130 interrupted.
`;

const commandOf = (name: string | undefined): Promise<Command> | undefined =>
  name !== undefined && Object.hasOwn(commands, name) ? commands[name]!.load() : undefined;

const dispatch = async (argv: readonly string[], io: Io): Promise<void> => {
  const [first, ...rest] = argv;
  if (first === "--version") return io.stdout(`faultline ${version}\n`);
  const name = first === "help" ? rest[0] : first;
  const named = await commandOf(name);
  if (named && first === "help") return io.stdout(named.help);
  if (named) return named.run(rest, io);
  if (first === "--help" || first === "-h" || (first === "help" && rest.length === 0)) return io.stdout(help);
  const { UsageError } = await import("../node/failure.ts");
  const wanted = first === undefined ? "a command is missing" : `there is no command "${name}"`;
  throw new UsageError(`${wanted}; there are ${Object.keys(commands).join(", ")}; see faultline --help`);
};

/**
 * Runs a command line, e.g. `["inspect", "net.onnx"]`.
 *
 * @returns the exit code: 0 for success, 1 for a refusal or failure, 2 for an invalid command line, 130 after Ctrl-C. Never
 * throws.
 */
export const run = async (argv: readonly string[], io: Io): Promise<number> => {
  try {
    await dispatch(argv, io);
    return 0;
  } catch (error) {
    const { Interrupted, lineOf, UsageError } = await import("../node/failure.ts");
    io.stderr(`faultline: ${lineOf(error)}\n`);
    if (argv.includes("--debug")) io.stderr(`${stackOf(error)}\n`);
    if (error instanceof Interrupted) return 130;
    return error instanceof UsageError ? 2 : 1;
  }
};

/** The stack of the error, followed by those of its causes. */
const stackOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
};
