package docker

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/volume"
)

func TestAVolumeIsCreatedAndRemoved(t *testing.T) {
	plugin := startPlugin(t, nil)
	name := uniqueName(t)
	made := plugin.Resource(volumeType, "data")
	t.Cleanup(func() { _ = engine.VolumeRemove(context.Background(), name, true) })
	made.MustCreate(t, object{"name": name, "labels": labels()})
	found, err := engine.VolumeInspect(t.Context(), name)
	if err != nil || found.Labels[testLabel] != "1" {
		t.Fatalf("%+v: %v", found, err)
	}
	made.Refresh(t)
	if drift := made.Drift(t); len(drift.GetDiffs()) > 0 {
		t.Errorf("after a refresh: %v", drift.GetDetailedDiff())
	}
	started := time.Now()
	made.MustDelete(t)
	if elapsed := time.Since(started); elapsed > time.Second {
		t.Errorf("the removal took %s", elapsed)
	}
	if _, err := engine.VolumeInspect(t.Context(), name); err == nil {
		t.Error("the volume is still there")
	}
}

func TestAnExistingVolumeIsAdoptedWithItsData(t *testing.T) {
	plugin := startPlugin(t, nil)
	name := uniqueName(t)
	existing, err := engine.VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Labels: map[string]string{testLabel: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.VolumeRemove(context.Background(), name, true) })
	made := plugin.Resource(volumeType, "data")
	made.MustCreate(t, object{"name": name, "labels": labels()})
	found, err := engine.VolumeInspect(t.Context(), name)
	if err != nil || found.CreatedAt != existing.CreatedAt {
		t.Errorf("created at %s, now %s: %v", existing.CreatedAt, found.CreatedAt, err)
	}
}

func TestAVolumeIsRemovedWhenItsLastContainerIsGone(t *testing.T) {
	plugin := startPlugin(t, nil)
	name := uniqueName(t)
	made := plugin.Resource(volumeType, "data")
	t.Cleanup(func() { _ = engine.VolumeRemove(context.Background(), name, true) })
	made.MustCreate(t, object{"name": name, "labels": labels()})
	occupant := newContainer(t, plugin, containerInputs(t, object{"volumes": list(object{"volumeName": name, "containerPath": "/data"})}))
	removed := make(chan error, 1)
	time.AfterFunc(time.Second, func() { removed <- occupant.Delete(t) })
	made.MustDelete(t)
	if err := <-removed; err != nil {
		t.Fatal(err)
	}
}
