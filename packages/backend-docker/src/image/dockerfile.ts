/** What has to be known of a Dockerfile before it is built. */
export interface DockerfileFacts {
  /** It uses what docker's classic builder does not know. */
  readonly needsBuildKit: boolean;
  /** Images that it names and that are no stages of its own, up to the target: those that are plain to see. */
  readonly images: readonly { readonly reference: string; readonly platform: string | undefined }[];
}

const BUILD_KIT_ONLY = [
  /^\s*RUN\s+--(?:mount|network|security)\b/im,
  /^\s*(?:COPY|ADD)\s.*--(?:link|chmod|parents|exclude|checksum|keep-git-dir)\b/im,
  // A heredoc.
  /^\s*(?:RUN|COPY|ADD)\s.*<<-?["']?[a-z_]/im,
];

/** Reads no more of a Dockerfile than the lines that name images. */
export function readDockerfile(
  text: string,
  { target, args }: { readonly target: string | undefined; readonly args: Readonly<Record<string, string>> },
): DockerfileFacts {
  const needsBuildKit = BUILD_KIT_ONLY.some((pattern) => pattern.test(text));
  const images = new Map<string, DockerfileFacts['images'][number]>();
  const stages = new Set(['scratch', 'context']);
  const variables = new Map<string, string>();
  const add = (written: string, platform?: string): void => {
    const reference = substitute(written, variables);
    const isPlain = !/[$\s]/.test(`${reference}${platform ?? ''}`);
    if (reference !== '' && isPlain && !stages.has(reference.toLowerCase()) && !/^\d+$/.test(reference))
      images.set(reference, { reference, platform });
  };
  const syntax = /^#\s*syntax\s*=\s*(\S+)/i.exec(text)?.[1];
  if (syntax !== undefined) add(syntax);
  let isInStages = false;
  let isTarget = false;
  for (const line of text.split(/\r?\n/)) {
    const from = /^\s*FROM\s+(?:--platform=(\S+)\s+)?(\S+)(?:\s+AS\s+(\S+))?/i.exec(line);
    const arg = /^\s*ARG\s+(\w+)(?:=["']?([^"'\s]*)["']?)?/i.exec(line);
    const copied = /^\s*(?:COPY|RUN)\s.*--(?:from=|mount=\S*\bfrom=)([^\s,]+)/i.exec(line)?.[1];
    if (from?.[2] !== undefined) {
      if (isTarget) break;
      isInStages = true;
      add(from[2], from[1]);
      const name = from[3]?.toLowerCase();
      if (name !== undefined) stages.add(name);
      isTarget = name !== undefined && name === target?.toLowerCase();
    } else if (arg?.[1] !== undefined && !isInStages) {
      variables.set(arg[1], args[arg[1]] ?? arg[2] ?? '');
    } else if (copied !== undefined) add(copied);
  }
  return { needsBuildKit, images: [...images.values()] };
}

/** `$NAME`, `${NAME}` and `${NAME:-default}`; what is not known stays as it is written. */
function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g,
    (written, plain?: string, braced?: string, fallback?: string) =>
      variables.get(plain ?? braced ?? '') || (fallback ?? written),
  );
}
