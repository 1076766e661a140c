import * as pulumi from '@pulumi/pulumi';

import type { ContainerOf } from '../src/container/spec';
import { Sensitive } from '../src/sensitive';

function isContainerOf(value: object): value is ContainerOf {
  return 'service' in value && 'prefix' in value;
}

/**
 * Plain planned values as inputs of a resource: sensitive ones become Pulumi secrets, and a reference to another
 * service's container becomes its ID.
 */
export function asInputs(value: unknown, idOf: (service: string) => pulumi.Input<string>): unknown {
  if (value instanceof Sensitive) return pulumi.secret(value.reveal());
  if (Array.isArray(value)) return value.map((item) => asInputs(item, idOf));
  if (value === null || typeof value !== 'object' || pulumi.Output.isInstance(value)) return value;
  if (isContainerOf(value)) return pulumi.interpolate`${value.prefix}${idOf(value.service)}`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asInputs(inner, idOf)]));
}
