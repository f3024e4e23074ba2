// Prints every message about errors and tasks on one page in Markdown, to be read as a user would: `npm run messages`.
// lab/repo-checks/messages.test.ts and code-messages.suite.ts check the page against rules.

import { errorMessages } from "./error-messages.ts";
import { inputMessages } from "./input-messages.ts";
import type { Section } from "./section.ts";
import { taskMessages } from "./task-messages.ts";

export async function allMessages(): Promise<readonly Section[]> {
  return [errorMessages(), ...(await inputMessages()), ...taskMessages()];
}

function page(sections: readonly Section[]): string {
  return sections
    .map(({ title, entries }) => {
      const blocks = entries.map(({ name, sentences, details = [] }) => {
        return [`**${name}**`, ...[...sentences, ...details].map((text) => `- ${text}`)].join("\n");
      });
      return [`# ${title}`, ...blocks].join("\n\n");
    })
    .join("\n\n");
}

if (import.meta.main) {
  // The compiler takes a second to start; the checks that run `allMessages` do not need it.
  const { codeMessages } = await import("./code-messages.ts");
  const { project } = await import("../repo-checks/typescript-project.ts");
  process.stdout.write(`${page([...(await allMessages()), codeMessages(project.files)])}\n`);
  project.close();
}
