// What the tools of this folder's dev shell call themselves: `node versions.js [tool…]`.
import { startCompanion } from '@companion/core';
import '@companion/backend-nix'; // registers itself, as every backend does

/** `args` and the rest are `backendOptions.nix`; by default the shell `default` of flake.nix. */
export async function printVersions(tools, nix = {}) {
  const runner = await startCompanion({
    sourceDir: import.meta.dirname,
    backendOptions: { nix },
    onEvent: (event) => {
      if (event.topic === 'environment' && event.type === 'busy') console.error(event.message);
    },
  });
  try {
    for (const tool of tools) {
      const { stdout } = await runner.run(tool, ['--version']);
      console.log(`${tool}: ${stdout.trim()}`);
    }
  } finally {
    await runner.shutdown();
  }
}

if (process.argv[1] === import.meta.filename) {
  const tools = process.argv.slice(2);
  await printVersions(tools.length === 0 ? ['node', 'buf', 'prettier'] : tools);
}
