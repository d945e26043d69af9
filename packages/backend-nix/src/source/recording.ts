import type { Mark } from './mark.js';
import { markOf } from './mark.js';
import type { Tree } from './tree.js';
import { treeOf } from './tree.js';

/** What has been looked at so far, as it was then. */
export class Recording {
  readonly named = new Map<string, Mark>();
  readonly trees = new Map<string, Tree>();

  /** Marks one path, once. */
  mark(path: string): Mark {
    const known = this.named.get(path);
    if (known !== undefined) return known;
    const { mark } = markOf(path);
    this.named.set(path, mark);
    return mark;
  }

  /** The text of a file, which is what its mark tells of from now on. Undefined where there is no file. */
  text(path: string): string | undefined {
    const { mark, content } = markOf(path);
    this.named.set(path, mark);
    return content?.toString('utf8');
  }

  /** Marks a whole directory, once, and gives the Nix files in it. */
  tree(directory: string): readonly string[] {
    const tree = this.trees.get(directory) ?? treeOf(directory);
    this.trees.set(directory, tree);
    return Object.entries(tree).flatMap(([at, [, entries]]) =>
      Object.entries(entries).flatMap(([name, [is]]) =>
        name.endsWith('.nix') && is !== 'directory' ? [`${at}/${name}`] : [],
      ),
    );
  }
}
