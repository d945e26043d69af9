// Code blocks of the docs that come from files: one stands below `<!-- from: path -->`, or `<!-- from: path#region -->`
// for what stands between `// #region region` and `// #endregion` in it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './check-report.mjs';

const BLOCK = /<!-- from: (\S+) -->\n```(\w+)\n([\s\S]*?)```/g;

const read = (path) => readFileSync(join(root, path), 'utf8');

/** What a block has to be; throws a sentence when there is no such file or region. */
function sourceOf(origin) {
  const [path, region] = origin.split('#');
  if (!existsSync(join(root, path))) throw new Error(`${path} does not exist`);
  const text = read(path);
  if (region === undefined) return text;
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const end = lines.findIndex((line, index) => index > start && line.trim() === '// #endregion');
  if (start === -1 || end === -1) throw new Error(`${path} has no region ${region}`);
  const inside = lines.slice(start + 1, end);
  const indents = inside.filter((line) => line !== '').map((line) => /^ */.exec(line)[0].length);
  return inside.map((line) => `${line.slice(Math.min(...indents))}\n`).join('');
}

/** Blocks that differ from their files; with `write` they are filled instead. */
export function checkBlocks(path, write) {
  const problems = [];
  const text = read(path);
  const filled = text.replace(BLOCK, (whole, origin, language, code) => {
    try {
      const source = sourceOf(origin);
      if (code === source) return whole;
      if (!write)
        problems.push(`${path}: the block differs from ${origin}: node scripts/check-docs.mjs --write`);
      return `<!-- from: ${origin} -->\n\`\`\`${language}\n${source}\`\`\``;
    } catch (error) {
      problems.push(`${path}: ${error.message}`);
      return whole;
    }
  });
  if (write && filled !== text) writeFileSync(join(root, path), filled);
  return problems;
}

/** What is shown as JavaScript and is no file would be run by nobody. */
export function checkOrigins(path) {
  const others = [
    ...read(path)
      .replace(BLOCK, '')
      .matchAll(/^```m?js\n(.*)$/gm),
  ];
  return others.map(([, line]) => `${path}: the block that begins with "${line}" comes from no file`);
}
