/** The name at the end of a URN: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns */
export function nameIn(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2);
}
