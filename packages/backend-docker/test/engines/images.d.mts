/** Why there is no image with git, ssh and npm; undefined when there is. */
export function missingTools(): string | undefined;
