/** What a value of `rewind:tags` asks for. */
export type ImageRequest =
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'reference'; readonly reference: string }
  | { readonly kind: 'id'; readonly id: string };

// Grammar: https://pkg.go.dev/github.com/distribution/reference
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const host = '(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::\\d+)?';
const referencePattern = new RegExp(
  `^((?:${host}/)?${component}(?:/${component})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);
const idPattern = /^sha256:[0-9a-f]{64}$/;

/** Reads a value of `rewind:tags`: a bare tag, a full reference, or an image ID. Undefined if it is none of them. */
export function parseImageRequest(value: string): ImageRequest | undefined {
  if (idPattern.test(value)) return { kind: 'id', id: value };
  // By its grammar `sha256:0123` is a reference, too; meant is an ID that was cut short.
  if (value.startsWith('sha256:')) return undefined;
  if (/[/:@]/.test(value)) {
    return referencePattern.test(value) ? { kind: 'reference', reference: value } : undefined;
  }
  return tagPattern.test(value) ? { kind: 'tag', tag: value } : undefined;
}

/** The reference that a request means for a service whose compose file says `image`. */
export function applyImageRequest(image: string, request: ImageRequest): string {
  switch (request.kind) {
    case 'id':
      return request.id;
    case 'reference':
      return request.reference;
    case 'tag':
      return `${repositoryOf(image)}:${request.tag}`;
  }
}

/** `registry/name` of a reference, without tag and digest. */
export function repositoryOf(reference: string): string {
  return referencePattern.exec(reference)?.[1] ?? reference;
}

/** The reference without a tag that says nothing, as a digest stands beside it: Docker lists such images by digest only. */
export function withoutIdleTag(reference: string): string {
  const [, repository, , digest] = referencePattern.exec(reference) ?? [];
  return digest === undefined ? reference : `${repository}@${digest}`;
}

/** The reference as Docker lists it in RepoTags: with `:latest` where no tag is given. */
export function withDefaultTag(reference: string): string {
  const match = referencePattern.exec(reference);
  if (!match || match[2] !== undefined || match[3] !== undefined) return reference;
  return `${reference}:latest`;
}

/** The reference in Docker's short form: `docker.io/library/redis:7` is listed as `redis:7`. */
export function familiar(reference: string): string {
  return reference.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
}
