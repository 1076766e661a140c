package docker

import (
	"testing"
)

// What a container costs the engine in a preview (check, diff) and in a refresh (read).
func BenchmarkContainer(b *testing.B) {
	plugin := startPlugin(b, nil)
	network := newNetwork(b, plugin, nil)
	inputs := declared(b, network.State["name"].StringValue())
	made := newContainer(b, plugin, inputs)
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			made.Check(b, inputs)
		}
	})
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			made.Drift(b)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			made.Refresh(b)
		}
	})
}

// What a start of the plugin costs before it answers.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		NewServer(nil)
	}
}
