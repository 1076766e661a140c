/**
 * The compose model as `docker compose config --format json` prints it, after interpolation, merging and
 * normalisation. Reference: https://github.com/compose-spec/compose-spec/blob/main/spec.md
 */
export interface ComposeModel {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, ComposeNetwork | null>>;
  readonly volumes: Readonly<Record<string, ComposeVolume | null>>;
  readonly configs: Readonly<Record<string, ComposeFileObject>>;
  readonly secrets: Readonly<Record<string, ComposeFileObject>>;
}

/** A service: every key as compose prints it. The keys that are carried over are those of `serviceKeys`. */
export type ComposeService = Readonly<Record<string, unknown>> & {
  readonly image?: string;
  readonly build?: unknown;
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, ComposeDependency>>;
  readonly deploy?: { readonly replicas?: number };
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly healthcheck?: ComposeHealthcheck;
  readonly labels?: Readonly<Record<string, string>>;
  readonly networks?: Readonly<Record<string, ComposeServiceNetwork | null>>;
  readonly network_mode?: string;
  readonly ports?: readonly ComposePort[];
  readonly pull_policy?: string;
  readonly restart?: string;
  readonly scale?: number;
  readonly configs?: readonly ComposeGrant[];
  readonly secrets?: readonly ComposeGrant[];
  readonly volumes?: readonly ComposeMount[];
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
};

export interface ComposeDependency {
  readonly condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  /** Restart this service too when the dependency is replaced. */
  readonly restart?: boolean;
  /** False: go on without the dependency if it is missing or does not become ready. */
  readonly required?: boolean;
}

export interface ComposeHealthcheck {
  readonly test?: readonly string[] | null;
  readonly interval?: string;
  readonly timeout?: string;
  readonly start_period?: string;
  readonly start_interval?: string;
  readonly retries?: number;
  readonly disable?: boolean;
}

export interface ComposePort {
  readonly target: number;
  /** A host port, a range `8000-8010`, or none for a port that Docker chooses. */
  readonly published?: string;
  readonly host_ip?: string;
  readonly protocol?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly app_protocol?: string;
}

export interface ComposeMount {
  readonly type: string;
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly consistency?: string;
  readonly bind?: {
    readonly propagation?: string;
    readonly create_host_path?: boolean;
    readonly selinux?: string;
    readonly recursive?: string;
  };
  readonly volume?: {
    readonly nocopy?: boolean;
    readonly subpath?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly tmpfs?: { readonly size?: string; readonly mode?: number };
}

/** A service's use of a config or secret. */
export interface ComposeGrant {
  readonly source: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  /** Octal, e.g. `"0440"`. */
  readonly mode?: string;
}

export interface ComposeServiceNetwork {
  readonly aliases?: readonly string[];
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
  readonly link_local_ips?: readonly string[];
  readonly mac_address?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly gw_priority?: number;
  readonly interface_name?: string;
}

export interface ComposeNetwork {
  readonly name: string;
  readonly external?: boolean;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly enable_ipv4?: boolean;
  readonly enable_ipv6?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ipam?: {
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>>;
    readonly config?: readonly {
      readonly subnet?: string;
      readonly gateway?: string;
      readonly ip_range?: string;
      readonly aux_addresses?: Readonly<Record<string, string>>;
    }[];
  };
}

export interface ComposeVolume {
  readonly name: string;
  readonly external?: boolean;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A config or secret of the project: from a file, an environment variable, or (configs) given in place. */
export interface ComposeFileObject {
  readonly name: string;
  readonly file?: string;
  readonly environment?: string;
  readonly content?: string;
  readonly external?: boolean;
  readonly driver?: string;
  readonly template_driver?: string;
}
