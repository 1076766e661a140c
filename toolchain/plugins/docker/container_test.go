package docker

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"rewind.dev/toolchain/plugins/plugintest"
)

type object = plugintest.Map

func list(values ...any) []any { return values }

// declared is a container with most of what can be declared of one, spelled as it reads back.
func declared(t testing.TB, networkName string) object {
	return containerInputs(t, object{
		"image":               testImageID,
		"command":             list("/main", "serve", "now"),
		"envs":                list("PLAIN=1", "EMPTY=", "UNICODE=ü 漢", "EQUALS=a=b"),
		"labels":              append(labels(), object{"label": "com.example.role", "value": "api"}),
		"user":                "1000:1000",
		"workingDir":          "/data",
		"hostname":            "api",
		"domainname":          "example.org",
		"restart":             "unless-stopped",
		"stopSignal":          "SIGINT",
		"stopTimeout":         20,
		"destroyGraceSeconds": 20,
		"init":                true,
		"readOnly":            true,
		"stdinOpen":           true,
		"memory":              64,
		"memorySwap":          128,
		"memoryReservation":   32,
		"shmSize":             128,
		"cpus":                "0.5",
		"cpuShares":           512,
		"cpuSet":              "0",
		"groupAdds":           list("100"),
		"ipcMode":             "shareable",
		"cgroupnsMode":        "host",
		"logDriver":           "json-file",
		"logOpts":             object{"max-size": "10m", "max-file": "2"},
		"dns":                 list("9.9.9.9", "1.1.1.1"),
		"dnsOpts":             list("ndots:1"),
		"dnsSearches":         list("example.org"),
		"hosts":               list(object{"host": "db.example", "ip": "10.1.2.3"}, object{"host": "engine", "ip": "host-gateway"}),
		"securityOpts":        list("no-new-privileges:true"),
		"capabilities":        object{"adds": list("CAP_NET_BIND_SERVICE"), "drops": list("ALL")},
		"ulimits":             list(object{"name": "nofile", "soft": 1024, "hard": 2048}),
		"sysctls":             object{"net.core.somaxconn": "1024"},
		"devices":             list(object{"hostPath": "/dev/null", "containerPath": "/dev/nothing", "permissions": "rw"}),
		"tmpfs":               object{"/tmp": "size=16m,mode=1777"},
		"mounts": list(
			object{"type": "bind", "source": "/etc", "target": "/host/etc", "readOnly": true},
			object{"type": "tmpfs", "target": "/scratch", "tmpfsOptions": object{"sizeBytes": 1 << 20, "mode": 0o1777}}),
		"volumes": list(object{"hostPath": "/tmp", "containerPath": "/host/tmp", "readOnly": true}),
		// Not networkMode: the engine would ignore the aliases in the network that a container starts in.
		"networksAdvanced": list(object{"name": networkName, "aliases": list("api", "web")}),
		"ports": list(
			object{"internal": 80, "external": 18981, "ip": "127.0.0.1"},
			object{"internal": 80, "external": 18980, "ip": "127.0.0.1"},
			object{"internal": 53, "external": 18981, "ip": "127.0.0.1", "protocol": "udp"}),
		"healthcheck": object{
			"tests": list("CMD", "/main", "true"), "interval": "1m30s", "timeout": "3s", "startPeriod": "5s", "retries": 3},
	})
}

func TestAContainerIsCreatedAsDeclared(t *testing.T) {
	plugin := startPlugin(t, nil)
	network := newNetwork(t, plugin, nil)
	made := newContainer(t, plugin, declared(t, network.State["name"].StringValue()))
	found := inspect(t, made.ID)

	if made.ID != found.ID {
		t.Errorf("the resource's ID is %s, the container's %s", made.ID, found.ID)
	}
	if !found.State.Running {
		t.Errorf("the container is %s", found.State.Status)
	}
	for what, same := range map[string]bool{
		"image":       found.Image == testImageID,
		"command":     strings.Join(found.Config.Cmd, " ") == "/main serve now",
		"envs":        contains(found.Config.Env, "PLAIN=1", "EMPTY=", "UNICODE=ü 漢", "EQUALS=a=b"),
		"labels":      found.Config.Labels["com.example.role"] == "api",
		"user":        found.Config.User == "1000:1000",
		"workingDir":  found.Config.WorkingDir == "/data",
		"hostname":    found.Config.Hostname == "api" && found.Config.Domainname == "example.org",
		"restart":     found.HostConfig.RestartPolicy.Name == container.RestartPolicyUnlessStopped,
		"stop":        found.Config.StopSignal == "SIGINT" && *found.Config.StopTimeout == 20,
		"init":        *found.HostConfig.Init,
		"readOnly":    found.HostConfig.ReadonlyRootfs,
		"memory":      found.HostConfig.Memory == 64<<20 && found.HostConfig.MemorySwap == 128<<20 && found.HostConfig.MemoryReservation == 32<<20,
		"shmSize":     found.HostConfig.ShmSize == 128<<20,
		"cpus":        found.HostConfig.NanoCPUs == 5e8 && found.HostConfig.CPUShares == 512 && found.HostConfig.CpusetCpus == "0",
		"dns":         contains(found.HostConfig.DNS, "9.9.9.9", "1.1.1.1"),
		"hosts":       contains(found.HostConfig.ExtraHosts, "db.example:10.1.2.3", "engine:host-gateway"),
		"security":    contains(found.HostConfig.SecurityOpt, "no-new-privileges:true"),
		"drops":       contains(found.HostConfig.CapDrop, "ALL"),
		"ulimits":     len(found.HostConfig.Ulimits) == 1 && found.HostConfig.Ulimits[0].Soft == 1024,
		"sysctls":     found.HostConfig.Sysctls["net.core.somaxconn"] == "1024",
		"devices":     len(found.HostConfig.Devices) == 1 && found.HostConfig.Devices[0].PathInContainer == "/dev/nothing",
		"tmpfs":       found.HostConfig.Tmpfs["/tmp"] == "size=16m,mode=1777",
		"mounts":      len(found.HostConfig.Mounts) == 2,
		"volumes":     contains(found.HostConfig.Binds, "/tmp:/host/tmp:ro"),
		"logging":     found.HostConfig.LogConfig.Config["max-size"] == "10m",
		"aliases":     contains(found.NetworkSettings.Networks[network.State["name"].StringValue()].Aliases, "api", "web"),
		"ports":       len(found.HostConfig.PortBindings["80/tcp"]) == 2 && len(found.HostConfig.PortBindings["53/udp"]) == 1,
		"healthcheck": found.Config.Healthcheck.Retries == 3 && found.Config.Healthcheck.Interval.String() == "1m30s",
	} {
		if !same {
			t.Errorf("%s is not as declared: %+v %+v", what, found.Config, found.HostConfig)
		}
	}
}

func TestARefreshAfterACreationShowsNothing(t *testing.T) {
	plugin := startPlugin(t, nil)
	network := newNetwork(t, plugin, nil)
	for name, inputs := range map[string]object{
		"of a plain container":           containerInputs(t, nil),
		"of a container with everything": declared(t, network.State["name"].StringValue()),
		"of empty lists and maps": containerInputs(t, object{
			"envs": list(), "hosts": list(), "tmpfs": object{}, "volumes": list(), "ports": list(), "dns": list()}),
		"of a health check that is switched off": containerInputs(t, object{"healthcheck": object{"tests": list("NONE")}}),
		"of unlimited swap and a CPU quota": containerInputs(t, object{
			"memory": 64, "memorySwap": -1, "cpuPeriod": 100000, "cpuQuota": 5000}),
		"of whole CPUs and a random port": containerInputs(t, object{"cpus": "1.0", "ports": list(object{"internal": 80})}),
		"of uploaded files": containerInputs(t, object{
			"uploads": list(object{"file": "/etc/app.conf", "content": "a: 1\n", "permissions": "0440"})}),
		"of no network":             containerInputs(t, object{"networkMode": "none"}),
		"of retries and a terminal": containerInputs(t, object{"restart": "on-failure", "maxRetryCount": 3, "tty": true}),
	} {
		t.Run(name, func(t *testing.T) {
			made := newContainer(t, plugin, inputs)
			if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
				t.Errorf("before the refresh: %v", drift.GetDetailedDiff())
			}
			if !made.Refresh(t) {
				t.Fatal("the container is not found")
			}
			if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
				t.Errorf("after the refresh: %v", drift.GetDetailedDiff())
			}
		})
	}
}

// What upstream reads back in another spelling than it was given shows as a change in the next preview. Whoever declares
// a container has to give the spelling on the right.
func TestSpellingsThatReadBackOtherwise(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newContainer(t, plugin, containerInputs(t, object{
		"cpus":         "1",
		"memory":       64,
		"healthcheck":  object{"tests": list("CMD", "/main", "true"), "interval": "60s"},
		"capabilities": object{"adds": list("NET_BIND_SERVICE")},
		"platform":     "linux/amd64",
	}))
	made.Refresh(t)
	health, capabilities := made.State["healthcheck"].ObjectValue(), made.State["capabilities"].ObjectValue()
	for path, c := range map[string]struct{ got, want any }{
		"cpus":                 {made.State["cpus"].V, "1.0"},
		"memorySwap":           {made.State["memorySwap"].V, 128.0},
		"healthcheck.interval": {health["interval"].V, "1m0s"},
		"capabilities.adds":    {capabilities["adds"].ArrayValue()[0].V, "CAP_NET_BIND_SERVICE"},
		"platform":             {made.State["platform"].V, "linux"},
	} {
		if c.got != c.want {
			t.Errorf("%s reads back as %v, not %v", path, c.got, c.want)
		}
	}
}

func TestWhatAChangeOfAContainerDoes(t *testing.T) {
	const (
		replace = "replaces the container"
		inPlace = "is made in place"
		// The provider reports an update, and its update leaves the engine's container as it was.
		ignored = "is reported but not made"
		unseen  = "is not seen"
	)
	plugin := startPlugin(t, nil)
	network := newNetwork(t, plugin, nil)
	inputs := declared(t, network.State["name"].StringValue())
	made := newContainer(t, plugin, inputs)
	for _, change := range []struct {
		property string
		value    any
		effect   string
	}{
		{"image", otherImage, replace},
		{"command", list("/main", "serve", "later"), replace},
		{"envs", list("PLAIN=2", "EMPTY=", "UNICODE=ü 漢", "EQUALS=a=b"), replace},
		{"envs", list("PLAIN=1"), replace},
		{"labels", labels(), replace},
		{"ports", list(object{"internal": 80, "external": 18989, "ip": "127.0.0.1"}), replace},
		{"ports", nil, replace},
		{"volumes", list(object{"hostPath": "/tmp", "containerPath": "/host/tmp"}), replace},
		{"networksAdvanced", list(object{"name": network.State["name"].StringValue(), "aliases": list("api")}), replace},
		{"networkMode", "host", replace},
		{"capabilities", nil, replace},
		{"securityOpts", list("seccomp=unconfined"), replace},
		{"sysctls", object{"net.core.somaxconn": "2048"}, replace},
		{"ulimits", list(object{"name": "nofile", "soft": 1000, "hard": 2048}), replace},
		{"hosts", nil, replace},
		{"logOpts", object{"max-size": "20m", "max-file": "2"}, replace},
		{"cpus", "1.0", replace},
		{"shmSize", 64, replace},
		{"stopTimeout", 10, replace},
		{"readOnly", false, replace},
		{"memory", 96, inPlace},
		{"memoryReservation", 48, inPlace},
		{"cpuShares", 256, inPlace},
		{"cpuSet", "1", inPlace},
		{"restart", "always", inPlace},
		{"destroyGraceSeconds", 5, inPlace},
		{"healthcheck", object{"tests": list("CMD", "/main", "false"), "interval": "1m30s", "timeout": "3s", "startPeriod": "5s", "retries": 3}, ignored},
		{"tmpfs", object{"/tmp": "size=32m,mode=1777"}, ignored},
		{"init", false, ignored},
		{"rm", true, ignored},
		{"cpuQuota", 5000, ignored},
		{"mounts", list(
			object{"type": "bind", "source": "/etc", "target": "/host/etc"},
			object{"type": "tmpfs", "target": "/scratch", "tmpfsOptions": object{"sizeBytes": 1 << 20, "mode": 0o1777}}), ignored},
		{"command", nil, unseen},
		{"envs", nil, unseen},
		{"user", nil, unseen},
		{"workingDir", nil, unseen},
		{"hostname", nil, unseen},
		{"healthcheck", nil, unseen},
		{"securityOpts", nil, unseen},
		{"shmSize", nil, unseen},
		{"logDriver", nil, unseen},
		{"stopSignal", nil, unseen},
		{"stopTimeout", nil, unseen},
		{"ipcMode", nil, unseen},
		{"init", nil, unseen},
	} {
		changed := object{}
		for name, value := range inputs {
			changed[name] = value
		}
		if changed[change.property] = change.value; change.value == nil {
			delete(changed, change.property)
		}
		diff := made.Diff(t, changed)
		effect := inPlace
		switch {
		case len(diff.GetReplaces()) > 0:
			effect = replace
		case len(diff.GetDiffs()) == 0:
			effect = unseen
		case change.effect == ignored:
			effect = ignored
		}
		if effect != change.effect {
			t.Errorf("%s = %v %s, not: %s", change.property, change.value, effect, change.effect)
		}
		if effect == replace && !diff.GetDeleteBeforeReplace() {
			t.Errorf("%s: the container would be replaced before the old one is gone", change.property)
		}
	}
}

// The engine returns several bindings of one port in reverse, and so does the state that the official plugin leaves.
func TestTheSamePortsInAnotherOrderAreNoChange(t *testing.T) {
	plugin := startPlugin(t, nil)
	for name, ports := range map[string][]any{
		"of one container port": list(
			object{"internal": 80, "external": 18978, "ip": "127.0.0.1"}, object{"internal": 80, "external": 18977, "ip": "127.0.0.1"}),
		"on host ports that the engine chooses": list(
			object{"internal": 80, "ip": "127.0.0.1"}, object{"internal": 80, "ip": "127.0.0.2"}),
		"in part on host ports that the engine chooses": list(
			object{"internal": 80, "ip": "127.0.0.1"}, object{"internal": 80, "external": 18976, "ip": "127.0.0.1"}),
	} {
		t.Run(name, func(t *testing.T) {
			inputs := containerInputs(t, object{"ports": ports})
			made := newContainer(t, plugin, inputs)
			if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
				t.Errorf("after the creation: %v", drift.GetDetailedDiff())
			}
			found := made.State["ports"].ArrayValue()
			found[0], found[1] = found[1], found[0]
			if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
				t.Errorf("in reverse: %v", drift.GetDetailedDiff())
			}
			made.Refresh(t)
			if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
				t.Errorf("in reverse, after a refresh: %v", drift.GetDetailedDiff())
			}
			inputs["ports"] = append(list(object{"internal": 80, "external": 18975, "ip": "127.0.0.1"}), ports[1:]...)
			if diff := made.Diff(t, inputs); len(diff.GetReplaces()) == 0 {
				t.Error("another host port is no change")
			}
			inputs["ports"] = ports[1:]
			if diff := made.Diff(t, inputs); len(diff.GetReplaces()) == 0 {
				t.Error("one port less is no change")
			}
		})
	}
}

func TestLimitsAndTheRestartPolicyChangeInPlace(t *testing.T) {
	plugin := startPlugin(t, nil)
	inputs := containerInputs(t, object{"memory": 64, "memorySwap": 128})
	made := newContainer(t, plugin, inputs)
	id := made.ID
	inputs["memory"], inputs["memorySwap"], inputs["restart"], inputs["cpuShares"] = 96, 192, "always", 256
	made.MustUpdate(t, inputs)
	found := inspect(t, id)
	if found.HostConfig.Memory != 96<<20 || found.HostConfig.RestartPolicy.Name != container.RestartPolicyAlways || found.HostConfig.CPUShares != 256 {
		t.Errorf("memory %d, restart %s, CPU shares %d", found.HostConfig.Memory, found.HostConfig.RestartPolicy.Name, found.HostConfig.CPUShares)
	}
	if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
		t.Errorf("after the update: %v", drift.GetDetailedDiff())
	}
}

func TestAReplacementTakesOverTheNameAndPort(t *testing.T) {
	plugin := startPlugin(t, nil)
	inputs := containerInputs(t, object{"ports": list(object{"internal": 80, "external": 18979, "ip": "127.0.0.1"})})
	made := newContainer(t, plugin, inputs)
	old := made.ID
	inputs["image"] = otherImage
	if diff := made.Diff(t, inputs); !diff.GetDeleteBeforeReplace() {
		t.Fatalf("the old container would not be removed first: %v", diff)
	}
	made.MustDelete(t)
	made.MustCreate(t, inputs)
	if made.ID == old || inspect(t, made.ID).Config.Image != otherImage {
		t.Errorf("%s replaced by %s with image %s", old, made.ID, inspect(t, made.ID).Config.Image)
	}
}

func TestAStoppedContainerIsStartedByTheNextUpdate(t *testing.T) {
	plugin := startPlugin(t, nil)
	inputs := containerInputs(t, nil)
	made := newContainer(t, plugin, inputs)
	if err := engine.ContainerStop(t.Context(), made.ID, container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
	made.Refresh(t)
	drift := made.Drift(t)
	if len(drift.GetDiffs()) == 0 || len(drift.GetReplaces()) > 0 {
		t.Fatalf("a stopped container shows as %v", drift.GetDetailedDiff())
	}
	made.MustUpdate(t, inputs)
	if found := inspect(t, made.ID); !found.State.Running {
		t.Errorf("after the update the container is %s", found.State.Status)
	}
}

func TestAContainerRemovedByHandIsGone(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newContainer(t, plugin, containerInputs(t, nil))
	if err := engine.ContainerRemove(t.Context(), made.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if made.Refresh(t) {
		t.Error("a removed container is still found")
	}
	if err := made.Delete(t); err != nil {
		t.Errorf("removing it once more: %v", err)
	}
}

func TestAContainerIsRemovedWithItsGrace(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newContainer(t, plugin, containerInputs(t, object{"destroyGraceSeconds": 10}))
	id := made.ID
	made.MustDelete(t)
	if _, err := engine.ContainerInspect(t.Context(), id); err == nil {
		t.Error("the container is still there")
	}
}

func TestAContainerIsImportedByID(t *testing.T) {
	plugin := startPlugin(t, nil)
	made := newContainer(t, plugin, containerInputs(t, nil))
	imported := plugin.Resource(containerType, "imported")
	exists, err := imported.Import(t, made.ID)
	if err != nil || !exists {
		t.Fatalf("exists %v: %v", exists, err)
	}
	if imported.State["name"].V != made.State["name"].V {
		t.Errorf("imported as %v", imported.State["name"])
	}
	if exists, _ := plugin.Resource(containerType, "none").Import(t, strings.Repeat("0", 64)); exists {
		t.Error("a container that does not exist was imported")
	}
}

func TestANameIsMadeUpWhereNoneIsGiven(t *testing.T) {
	plugin := startPlugin(t, nil)
	checked, failures := plugin.Resource(containerType, "web").Check(t, object{"image": testImage})
	if len(failures) > 0 {
		t.Fatal(failures)
	}
	name := checked["name"].StringValue()
	if !strings.HasPrefix(name, "web-") || len(name) != len("web-")+7 {
		t.Errorf("the name is %q", name)
	}
}

func contains(all []string, wanted ...string) bool {
	for _, want := range wanted {
		found := false
		for _, value := range all {
			found = found || value == want
		}
		if !found {
			return false
		}
	}
	return true
}
