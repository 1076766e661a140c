/** What of an engine shows in its containers. */
export interface EngineDefaults {
  readonly logDriver: string;
  readonly runtime: string;
  /** Name of a container, by its ID: namespaces are shared by ID. */
  readonly nameOf: (id: string) => string;
}
