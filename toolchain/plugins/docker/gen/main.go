// Command gen derives the plugin's schema from the upstream provider and writes it to the file named by its argument.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"

	"rewind.dev/toolchain/plugins/docker"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: go run ./docker/gen FILE")
	}
	sink := diag.DefaultSink(os.Stderr, os.Stderr, diag.FormatOptions{Color: colors.Never})
	spec, err := tfgen.GenerateSchema(docker.Info(), sink)
	if err != nil {
		return fmt.Errorf("derive the schema of the docker plugin: %w", err)
	}
	text, err := withoutDescriptions(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], append(text, '\n'), 0o644)
}

// withoutDescriptions leaves out what only documentation is made from: it is half of the schema, and every start of the
// plugin would load it.
func withoutDescriptions(spec any) ([]byte, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	strip(tree)
	return json.MarshalIndent(tree, "", "  ")
}

func strip(tree any) {
	switch node := tree.(type) {
	case map[string]any:
		// A property that is called description is an object.
		if _, text := node["description"].(string); text {
			delete(node, "description")
		}
		for _, child := range node {
			strip(child)
		}
	case []any:
		for _, child := range node {
			strip(child)
		}
	}
}
