// Package command is the Pulumi plugin `command`: the resource command:local:Command and the function command:local:run,
// with the tokens, properties and behaviour of the official plugin of the same version.
package command

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"

	"rewind.dev/toolchain/plugins/command/local"
	"rewind.dev/toolchain/plugins/serve"
)

// The plugin's name and version, as in pulumi-resource-<name>-v<version>.
const (
	Name    = "command"
	Version = "1.2.1"
)

// New makes the plugin.
func New() serve.Plugin {
	p := infer.Provider(infer.Options{
		Metadata: schema.Metadata{
			DisplayName: "Command",
			Description: "Runs commands and scripts as part of a Pulumi resource's life.",
			License:     "Apache-2.0",
			LanguageMap: map[string]any{"nodejs": map[string]any{"respectSchemaVersion": true}},
		},
		Resources: []infer.InferredResource{infer.Resource(&local.Command{})},
		Functions: []infer.InferredFunction{infer.Function(&local.Run{})},
	})
	return serve.Plugin{
		Name: Name, Version: Version, FrameworkVersion: "1.2.0",
		Provider: refuseRemote(keepSecrets(keepFiles(p))),
	}
}
