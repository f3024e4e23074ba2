// `npm run check`: biome, the compiler and the checks of the repository, side by side. What each says is printed when it has
// ended, in this order.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

process.chdir(join(import.meta.dirname, ".."));
process.env.NODE_COMPILE_CACHE = join(process.cwd(), "node_modules/.cache/gantry");

type Command = { readonly program: string; readonly args: readonly string[] };

const COMMANDS: readonly Command[] = [
  { program: process.execPath, args: ["lab/check/lint.ts"] },
  { program: process.execPath, args: ["lab/check/compile.ts"] },
  {
    program: process.execPath,
    args: [
      "--test",
      "--test-timeout=600000",
      "--test-reporter=./lab/test-reporter.ts",
      "lab/repo-checks/code.test.ts",
      "lab/repo-checks/group.ts",
    ],
  },
];

for (const running of COMMANDS.map(run)) {
  const { output, hasPassed } = await running;
  process.stdout.write(output);
  if (!hasPassed) process.exitCode = 1;
}

async function run({ program, args }: Command) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: process.env });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [stdout, stderr, code] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  return { output: Buffer.concat([stdout, stderr]), hasPassed: code === 0 };
}
