import { composeLabel, stackLabel } from '../container/labels';
import { type NetworkPlan, planNetworks } from '../docker/networks';
import { shortId } from '../docker/short-id';
import type { Finding } from './finding';
import { canonical } from './form';
import { idInState, type Scene, shortName } from './scene';

type Live = Scene['inventory']['networks'][number];

/** Options that newer engines add by themselves. */
const addedByEngine = /^com\.docker\.network\.enable_ipv[46]$/;

/** Networks that are not there, were made anew, or are set otherwise. */
export function networkFindings(scene: Scene): Finding[] {
  const { inventory, released, stack } = scene;
  const planned = planNetworks(released.project, inventory, stack);
  return [...planned.flatMap((plan) => ofNetwork(scene, plan)), ...externals(scene)];
}

function ofNetwork(scene: Scene, plan: NetworkPlan): Finding[] {
  const { inventory, events, state, isUnderWay } = scene;
  const named = inventory.networks.filter(({ Name: name }) => name === plan.name);
  const made = idInState(scene, 'network', plan.name);
  const live = named.find(({ Id: id }) => id === made) ?? named[0];
  const base = { id: `network/${shortName(scene, plan.name)}`, group: 'stack' };
  if (!live) {
    const origin = events.latest('network', ['destroy'], ({ attributes }) => attributes['name'] === plan.name);
    return [
      {
        ...base,
        id: `${base.id}/exists`,
        what: `network ${plan.name}`,
        declared: 'there',
        live: 'missing',
        ...origin,
        severity: 'broken',
        fix: 'update',
      },
    ];
  }
  const findings: Finding[] = [];
  if (state && !isUnderWay && made !== undefined && live.Id !== made) {
    findings.push({
      ...base,
      id: `${base.id}/identity`,
      what: `network ${plan.name} was made anew`,
      declared: shortId(made),
      live: shortId(live.Id),
      since: new Date(live.Created).toISOString(),
      severity: 'changed',
      fix: 'replace',
    });
  }
  const [declared, found] = [declaredSettings(plan), liveSettings(live)];
  for (const key of Object.keys(declared)) {
    // Where the file asks for no addresses, the engine chooses them.
    if (declared[key] === undefined || canonical(declared[key]) === canonical(found[key])) continue;
    if (key === 'addresses' && isMet(plan, live)) continue;
    findings.push({
      ...base,
      id: `${base.id}/${key.replaceAll(' ', '-')}`,
      what: `${key} of the network ${plan.name}`,
      declared: declared[key],
      live: String(found[key]),
      since: new Date(live.Created).toISOString(),
      severity: 'changed',
      fix: 'replace',
    });
  }
  const labels = (live.Labels as Record<string, string> | null) ?? {};
  if (labels[stackLabel] !== undefined || plan.existing !== undefined) {
    for (const { label, value } of plan.labels) {
      if (labels[label] === value || label === composeLabel('config-hash')) continue;
      findings.push({
        ...base,
        id: `${base.id}/label.${label}`,
        what: `label ${label} of the network ${plan.name}`,
        declared: value,
        live: labels[label] ?? 'none',
        severity: 'changed',
        fix: 'replace',
      });
    }
  }
  return findings;
}

type Settings = Readonly<Record<string, string | undefined>>;

function declaredSettings(plan: NetworkPlan): Settings {
  return {
    driver: plan.driver,
    options: optionText(plan.options),
    internal: String(plan.internal),
    attachable: String(plan.attachable),
    ipv6: String(plan.ipv6),
    'address driver': plan.ipamDriver,
    addresses: plan.ipamConfigs
      ?.map(({ subnet, gateway, ipRange }) =>
        [subnet, ipRange && `range ${ipRange}`, gateway && `gateway ${gateway}`].filter(Boolean).join(' '),
      )
      .join(', '),
  };
}

function liveSettings(live: Live): Settings {
  const pools = poolsOf(live);
  return {
    driver: live.Driver,
    options: optionText(live.Options),
    internal: String(live.Internal),
    attachable: String(live.Attachable),
    ipv6: String(live.EnableIPv6),
    'address driver': live.IPAM?.Driver ?? 'default',
    addresses: pools
      .map(({ Subnet, Gateway, IPRange }) =>
        [Subnet, IPRange && `range ${IPRange}`, Gateway && `gateway ${Gateway}`].filter(Boolean).join(' '),
      )
      .join(', '),
  };
}

interface Pool {
  readonly Subnet?: string;
  readonly Gateway?: string;
  readonly IPRange?: string;
}

function poolsOf(live: Live): readonly Pool[] {
  return live.IPAM?.Config ?? [];
}

/** Whether a network has what is declared of its addresses: the engine fills in a gateway. */
function isMet({ ipamConfigs = [] }: NetworkPlan, live: Live): boolean {
  const pools = poolsOf(live);
  return (
    pools.length === ipamConfigs.length &&
    ipamConfigs.every(({ subnet, gateway, ipRange }, at) => {
      const { Subnet, Gateway, IPRange } = pools[at]!;
      return (subnet ?? Subnet) === Subnet && (gateway ?? Gateway) === Gateway && (ipRange ?? '') === (IPRange ?? '');
    })
  );
}

function optionText(options: Readonly<Record<string, string>> | null | undefined): string {
  const told = Object.entries(options ?? {}).filter(([key]) => !addedByEngine.test(key));
  return (
    told
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(', ') || 'none'
  );
}

function externals({ released: { project }, inventory }: Scene): Finding[] {
  const names = new Set(inventory.networks.map(({ Name: name }) => name));
  return Object.values(project.model.networks).flatMap((network): Finding[] =>
    network?.external && !names.has(network.name)
      ? [
          {
            id: `network/${network.name}/exists`,
            group: 'stack',
            what: `external network ${network.name}`,
            declared: 'there',
            live: 'missing',
            severity: 'broken',
            fix: 'none',
            note: `Make it: docker network create ${network.name}.`,
          },
        ]
      : [],
  );
}

/** Networks of the compose project that the release does not know. */
export function strangeNetworks(scene: Scene): Finding[] {
  const { inventory, released, stack, record, isUnderWay } = scene;
  const known = new Set(planNetworks(released.project, inventory, stack).map(({ name }) => name));
  return inventory.networks
    .filter(
      ({ Labels: labels }) => (labels as Record<string, string> | null)?.[composeLabel('project')] === record.project,
    )
    .filter(({ Name: name, Labels: labels }) => !known.has(name) && !(isUnderWay && labels?.[stackLabel] === stack))
    .map(({ Name: name, Created: created }) => ({
      id: `unmanaged/network/${name}`,
      group: 'stack',
      what: `network ${name}`,
      live: 'there, and of this project by its label',
      since: new Date(created).toISOString(),
      severity: 'changed' as const,
      fix: 'none' as const,
      note: `Remove it: docker network rm ${name}. Or declare it in the compose file.`,
    }));
}
