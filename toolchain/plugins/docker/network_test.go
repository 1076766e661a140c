package docker

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

func TestANetworkIsCreatedAsDeclared(t *testing.T) {
	plugin := startPlugin(t, nil)
	started := time.Now()
	made := newNetwork(t, plugin, object{
		"internal":   true,
		"attachable": true,
		"options":    object{"com.docker.network.bridge.enable_icc": "true"},
		"ipamConfigs": list(object{
			"subnet": "10.213.78.0/24", "gateway": "10.213.78.1", "ipRange": "10.213.78.128/25",
			"auxAddress": object{"printer": "10.213.78.9"}}),
	})
	if elapsed := time.Since(started); elapsed > time.Second {
		t.Errorf("it took %s", elapsed)
	}
	found, err := engine.NetworkInspect(t.Context(), made.ID, network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !found.Internal || !found.Attachable || found.Labels[testLabel] != "1" ||
		found.Options["com.docker.network.bridge.enable_icc"] != "true" ||
		found.IPAM.Config[0].Subnet != "10.213.78.0/24" || found.IPAM.Config[0].AuxAddress["printer"] != "10.213.78.9" {
		t.Errorf("%+v", found)
	}
	started = time.Now()
	made.Refresh(t)
	if elapsed := time.Since(started); elapsed > time.Second {
		t.Errorf("a refresh took %s", elapsed)
	}
	if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
		t.Errorf("after a refresh: %v", drift.GetDetailedDiff())
	}
	started = time.Now()
	made.MustDelete(t)
	if elapsed := time.Since(started); elapsed > time.Second {
		t.Errorf("the removal took %s", elapsed)
	}
}

func TestAContainerHasItsAliasesAndAddressesInANetwork(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newNetwork(t, plugin, object{"ipamConfigs": list(object{"subnet": "10.213.79.0/24"})})
	name := made.State["name"].StringValue()
	occupant := newContainer(t, plugin, containerInputs(t, object{"networksAdvanced": list(object{
		"name": name, "aliases": list("db"), "ipv4Address": "10.213.79.9", "macAddress": "02:42:0a:d5:4f:09"})}))
	networks := inspect(t, occupant.ID).NetworkSettings.Networks
	if found := networks[name]; len(networks) != 1 || !contains(found.Aliases, "db") ||
		found.IPAddress != "10.213.79.9" || found.MacAddress != "02:42:0a:d5:4f:09" {
		t.Errorf("%+v", found)
	}
	if occupant.Refresh(t); len(occupant.Drift(t).GetDiffs()) > 0 {
		t.Errorf("after a refresh: %v", occupant.Drift(t).GetDetailedDiff())
	}
}

func TestEveryChangeReplacesANetwork(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newNetwork(t, plugin, nil)
	inputs := object{"name": made.State["name"].V, "labels": labels(), "internal": true}
	if diff := made.Diff(t, inputs); len(diff.GetReplaces()) == 0 {
		t.Errorf("%v", diff.GetDetailedDiff())
	}
}

func TestANetworkIsRemovedWhenItsLastContainerLeaves(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newNetwork(t, plugin, nil)
	name := made.State["name"].StringValue()
	occupant := newContainer(t, plugin, containerInputs(t, object{"networksAdvanced": list(object{"name": name})}))
	removed := make(chan error, 1)
	time.AfterFunc(time.Second, func() { removed <- occupant.Delete(t) })
	made.MustDelete(t)
	if err := <-removed; err != nil {
		t.Fatal(err)
	}
}

func TestAnUnreachableEngineIsAnErrorAndNotAMissingNetwork(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newNetwork(t, plugin, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if exists, err := made.ReadWithin(t, ctx); err == nil {
		t.Errorf("no error, and exists is %v", exists)
	}
}

func TestANetworkRemovedByHandIsGone(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newNetwork(t, plugin, nil)
	if err := engine.NetworkRemove(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if made.Refresh(t) {
		t.Error("a removed network is still found")
	}
	made.MustDelete(t)
}

// The plugin creates networks itself, so a property that a newer upstream brings would be dropped in silence.
func TestEveryUpstreamPropertyOfANetworkIsKnown(t *testing.T) {
	known := map[string]bool{
		"name": true, "labels": true, "driver": true, "options": true, "internal": true, "attachable": true,
		"ingress": true, "ipv6": true, "ipam_driver": true, "ipam_options": true, "ipam_config": true, "scope": true,
	}
	for name := range shim.NewProvider(Version).ResourcesMap["docker_network"].Schema {
		if !known[name] {
			t.Errorf("%s is not sent by shim/network.go", name)
		}
	}
}
