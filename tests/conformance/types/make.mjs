// Writes the golden bodies for a provider's own models as TypeScript constants of the SDK's types.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const types = {
  'chat-completions': ['openai/', 'OpenAI.ChatCompletionCreateParams'],
  responses: ['openai/', 'OpenAI.Responses.ResponseCreateParams'],
  messages: ['anthropic/', 'Anthropic.MessageCreateParams'],
};
console.log("import OpenAI from 'openai';\nimport Anthropic from '@anthropic-ai/sdk';\n");
for (const [api, [provider, type]] of Object.entries(types)) {
  const folder = join(process.argv[2], api);
  for (const file of readdirSync(folder).sort()) {
    const golden = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    if (!golden.model.name.startsWith(provider) || file === 'extra.json') continue;
    // Of the API's version 2023-06-01, which we ask for; the newest SDK is made for one that has them no more.
    if (api === 'messages') ['temperature', 'top_p', 'top_k'].forEach((field) => delete golden.body[field]);
    const name = `${api}_${file.replace('.json', '')}`.replace(/\W/g, '_');
    console.log(`const ${name}: ${type} = ${JSON.stringify(golden.body, null, 1)};\nvoid ${name};\n`);
  }
}
