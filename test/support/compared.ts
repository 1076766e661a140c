import type { ComposeModel, ComposeService } from '../../src/compose/model';
import { SecretValues } from '../../src/container/project-secrets';
import type { Compared } from '../../src/releases/compare';

/** A side of a comparison: a project of services, with more in its model, or beside it. */
export function comparedSide(
  services: Record<string, ComposeService>,
  { model, ...more }: Partial<Compared> & { readonly model?: Partial<ComposeModel> } = {},
): Compared {
  return {
    project: {
      model: { name: 'shop', services, networks: {}, volumes: {}, configs: {}, secrets: {}, ...model },
      files: [],
      directory: '/',
      environment: {},
      secretVariables: {},
      warnings: [],
      options: [],
    },
    secrets: new SecretValues(),
    shown: {},
    hidden: {},
    ...more,
  };
}
