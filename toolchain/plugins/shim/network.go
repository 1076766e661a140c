package shim

import (
	"context"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

const (
	// removeTimeout is how long a removal waits for the last container to leave a network or a volume.
	removeTimeout = 30 * time.Second
	// removePoll is the time between two tries.
	removePoll = 100 * time.Millisecond
)

// withoutNetworkWaits replaces upstream's network operations. Upstream sleeps two seconds before it first looks at a network,
// in a create, in every read of a refresh and in a delete. It also takes any failure of a read for "the network is
// gone", which makes a refresh with an unreachable engine drop networks from the state; here that is an error.
// What is sent and what is read is the same.
func withoutNetworkWaits(resource *schema.Resource) {
	resource.CreateContext = createNetwork
	resource.ReadContext = readNetwork
	resource.DeleteContext = deleteNetwork
}

func createNetwork(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
	client, err := newClient(ctx, d, meta)
	if err != nil {
		return diag.FromErr(err)
	}
	options := network.CreateOptions{
		Driver:     d.Get("driver").(string),
		Internal:   d.Get("internal").(bool),
		Attachable: d.Get("attachable").(bool),
		Ingress:    d.Get("ingress").(bool),
		Options:    stringMap(d.Get("options")),
		Labels:     map[string]string{},
		IPAM: &network.IPAM{
			Driver:  d.Get("ipam_driver").(string),
			Options: stringMap(d.Get("ipam_options")),
		},
	}
	for _, label := range d.Get("labels").(*schema.Set).List() {
		pair := label.(map[string]any)
		options.Labels[pair["label"].(string)] = pair["value"].(string)
	}
	for _, entry := range d.Get("ipam_config").(*schema.Set).List() {
		fields := entry.(map[string]any)
		options.IPAM.Config = append(options.IPAM.Config, network.IPAMConfig{
			Subnet:     fields["subnet"].(string),
			IPRange:    fields["ip_range"].(string),
			Gateway:    fields["gateway"].(string),
			AuxAddress: stringMap(fields["aux_address"]),
		})
	}
	// Sent only when asked for: the engine's own default may be otherwise.
	if ipv6 := d.Get("ipv6").(bool); ipv6 {
		options.EnableIPv6 = &ipv6
	}
	created, err := client.NetworkCreate(ctx, d.Get("name").(string), options)
	if err != nil {
		return diag.Errorf("Unable to create network: %s", err)
	}
	d.SetId(created.ID)
	return readNetwork(ctx, d, meta)
}

func readNetwork(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
	client, err := newClient(ctx, d, meta)
	if err != nil {
		return diag.FromErr(err)
	}
	found, err := client.NetworkInspect(ctx, d.Id(), network.InspectOptions{})
	if errdefs.IsNotFound(err) {
		d.SetId("")
		return nil
	}
	if err != nil {
		return diag.Errorf("Unable to inspect network %s: %s", d.Id(), err)
	}
	labels := make([]any, 0, len(found.Labels))
	for label, value := range found.Labels {
		labels = append(labels, map[string]any{"label": label, "value": value})
	}
	subnets := make([]any, 0, len(found.IPAM.Config))
	for _, subnet := range found.IPAM.Config {
		fields := map[string]any{"subnet": subnet.Subnet, "ip_range": subnet.IPRange, "gateway": subnet.Gateway}
		if len(subnet.AuxAddress) > 0 {
			fields["aux_address"] = subnet.AuxAddress
		}
		subnets = append(subnets, fields)
	}
	return set(d, map[string]any{
		"name":         found.Name,
		"labels":       labels,
		"driver":       found.Driver,
		"options":      found.Options,
		"internal":     found.Internal,
		"attachable":   found.Attachable,
		"ingress":      found.Ingress,
		"ipv6":         found.EnableIPv6,
		"ipam_driver":  found.IPAM.Driver,
		"ipam_options": found.IPAM.Options,
		"ipam_config":  subnets,
		"scope":        found.Scope,
	})
}

func deleteNetwork(ctx context.Context, d *schema.ResourceData, meta any) diag.Diagnostics {
	client, err := newClient(ctx, d, meta)
	if err != nil {
		return diag.FromErr(err)
	}
	return removeWhenFree(ctx, d, "network", "has active endpoints", func() error {
		return client.NetworkRemove(ctx, d.Id())
	})
}

// removeWhenFree tries a removal until nothing uses the thing any more, or removeTimeout has passed.
// Something that is already gone counts as removed.
func removeWhenFree(ctx context.Context, d *schema.ResourceData, kind, inUse string, remove func() error) diag.Diagnostics {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	for {
		err := remove()
		if err == nil || errdefs.IsNotFound(err) {
			d.SetId("")
			return nil
		}
		if !strings.Contains(err.Error(), inUse) {
			return diag.Errorf("Unable to remove %s %s: %s", kind, d.Id(), err)
		}
		select {
		case <-ctx.Done():
			return diag.Errorf("Unable to remove %s %s within %s: %s", kind, d.Id(), removeTimeout, err)
		case <-time.After(removePoll):
		}
	}
}

func set(d *schema.ResourceData, values map[string]any) diag.Diagnostics {
	for name, value := range values {
		if err := d.Set(name, value); err != nil {
			return diag.Errorf("set %s: %s", name, err)
		}
	}
	return nil
}

func stringMap(value any) map[string]string {
	result := map[string]string{}
	for key, text := range value.(map[string]any) {
		result[key] = text.(string)
	}
	return result
}
