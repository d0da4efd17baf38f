// Prints what the official parser says of an AsyncAPI document; exits with 1 when it finds an error.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const ERROR = 0; // severities: 0 error, 1 warning, 2 information, 3 hint

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], 'utf8'));
for (const found of diagnostics) {
  console.log(`${['error', 'warning', 'information', 'hint'][found.severity]}: ${found.path.join('.')}: ${found.message}`);
}
if (document) {
  const messages = document.allMessages().all();
  const described = messages.filter((message) => message.hasPayload() && message.headers());
  console.log(`channels ${document.channels().all().length}, messages ${described.length}`);
}
process.exitCode = !document || diagnostics.some((found) => found.severity === ERROR) ? 1 : 0;
