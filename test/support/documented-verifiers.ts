import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A request as a receiver gets it. */
export interface ReceivedDelivery {
  headers: Record<string, string>;
  rawBody: Buffer;
}

/** What the three functions of the documentation say of a delivery. */
export interface Verdict {
  trae: boolean;
  standard: boolean;
  public: boolean;
}

export interface ReceiverKeys {
  secret: string;
  jwks: { keys: object[] };
}

interface Language {
  /** Of the code block. */
  fence: string;
  /** Of its section in docs/verifying-signatures.md, beside that of `v1a`. */
  section: string;
  file: string;
  command: readonly [string, ...string[]];
  /** Succeeds where the language can be run. */
  probe: readonly [string, ...string[]];
  /** One program of the two examples, which reads the deliveries from its input and writes its verdicts. */
  program: (byPublicKey: string, bySecret: string) => string;
}

/** The languages whose examples are run, and how. */
export const DOCUMENTED_LANGUAGES = {
  'Node.js': {
    fence: 'js',
    section: 'Node.js',
    file: 'main.cjs',
    command: [process.execPath, 'main.cjs'],
    probe: [process.execPath, '--version'],
    // In functions of their own: both examples load node:crypto under the same names. Of the second, what listens is
    // left out.
    program: (byPublicKey, bySecret) => `
const { verifyPublic } = (() => { ${byPublicKey}
return { verifyPublic }; })();
const { verifyTrae, verifyStandard } = (() => { ${bySecret.split('\ncreateServer(')[0] ?? ''}
return { verifyTrae, verifyStandard }; })();
const { secret, jwks, deliveries } = JSON.parse(require('node:fs').readFileSync(0));
process.stdout.write(JSON.stringify(deliveries.map(({ headers, body }) => {
  const rawBody = Buffer.from(body, 'base64');
  return {
    trae: verifyTrae(secret, headers, rawBody),
    standard: verifyStandard(secret, headers, rawBody),
    public: verifyPublic(jwks, headers, rawBody),
  };
})));
`,
  },
  Python: {
    fence: 'python',
    section: 'Python',
    file: 'driver.py',
    command: ['python3', 'driver.py'],
    probe: ['python3', '-c', 'import cryptography'],
    program: (byPublicKey, bySecret) => `
import sys
${byPublicKey.replaceAll('if __name__ == "__main__":', 'if False:')}
${bySecret.replaceAll('if __name__ == "__main__":', 'if False:')}
given = json.load(sys.stdin)
json.dump([{
    "trae": verify_trae(given["secret"], one["headers"], base64.b64decode(one["body"])),
    "standard": verify_standard(given["secret"], one["headers"], base64.b64decode(one["body"])),
    "public": verify_public(given["jwks"], one["headers"], base64.b64decode(one["body"])),
} for one in given["deliveries"]], sys.stdout)
`,
  },
  Go: {
    fence: 'go',
    section: 'Go',
    file: 'main.go',
    command: ['go', 'run', 'main.go'],
    probe: ['go', 'version'],
    program: (byPublicKey, bySecret) =>
      `${bySecret
        .replace('package webhooks', 'package main')
        .replace('import (', 'import (\n\t"crypto/ed25519"\n\t"encoding/json"\n\t"os"')}
${byPublicKey}
func main() {
	var given struct {
		Secret string
		Jwks struct{ Keys []struct{ X string } }
		Deliveries []struct {
			Headers map[string]string
			Body []byte
		}
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	var keys []ed25519.PublicKey
	for _, jwk := range given.Jwks.Keys {
		key, err := base64.RawURLEncoding.DecodeString(jwk.X)
		if err != nil {
			panic(err)
		}
		keys = append(keys, ed25519.PublicKey(key))
	}
	verdicts := []map[string]bool{}
	for _, one := range given.Deliveries {
		header := http.Header{}
		for name, value := range one.Headers {
			header.Set(name, value)
		}
		verdicts = append(verdicts, map[string]bool{
			"trae": VerifyTrae(given.Secret, header, one.Body),
			"standard": VerifyStandard(given.Secret, header, one.Body, 5*time.Minute),
			"public": VerifyPublic(keys, header, one.Body, 5*time.Minute),
		})
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}
`,
  },
} as const satisfies Record<string, Language>;

/** Whether the language, and what its examples import, is installed. */
export function canRun(name: keyof typeof DOCUMENTED_LANGUAGES): boolean {
  const [program, ...programArguments] = DOCUMENTED_LANGUAGES[name].probe;
  return spawnSync(program, programArguments).status === 0;
}

/** Runs the examples of docs/verifying-signatures.md as they stand there. @throws Error when they do not run. */
export function verifyAsDocumented(
  name: keyof typeof DOCUMENTED_LANGUAGES,
  { secret, jwks }: ReceiverKeys,
  deliveries: readonly ReceivedDelivery[],
): Verdict[] {
  const language: Language = DOCUMENTED_LANGUAGES[name];
  const [program, ...programArguments] = language.command;
  const folder = mkdtempSync(join(tmpdir(), 'documented-'));
  try {
    const code = language.program(
      codeIn('By public key: v1a', language.fence),
      codeIn(language.section, language.fence),
    );
    writeFileSync(join(folder, language.file), code);
    const input = JSON.stringify({
      secret,
      jwks,
      deliveries: deliveries.map(({ headers, rawBody }) => ({ headers, body: rawBody.toString('base64') })),
    });
    const run = spawnSync(program, programArguments, { cwd: folder, input, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`the examples in ${name} do not run:\n${run.stderr}`, { cause: run.error });
    return JSON.parse(run.stdout) as Verdict[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function codeIn(section: string, fence: string): string {
  const text = readFileSync(join(__dirname, '../../docs/verifying-signatures.md'), 'utf8');
  const [, found = ''] = text.split(`\n## ${section}\n`);
  const code = new RegExp(`^\`\`\`${fence}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(found.split('\n## ')[0] ?? '')?.[1];
  if (code === undefined) throw new Error(`docs/verifying-signatures.md has no ${fence} in "${section}"`);
  return code;
}
