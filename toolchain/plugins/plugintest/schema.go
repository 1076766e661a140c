package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"testing"

	"github.com/blang/semver"
	pschema "github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Schema is what a plugin says of itself.
type Schema struct{ pschema.PackageSpec }

// Schema asks the plugin for its schema and binds it, which fails if it is not consistent.
func (p *Plugin) Schema(t testing.TB) Schema {
	t.Helper()
	resp, err := p.GetSchema(t.Context(), &rpc.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var spec pschema.PackageSpec
	if err := json.Unmarshal([]byte(resp.GetSchema()), &spec); err != nil {
		t.Fatal(err)
	}
	_, problems, err := pschema.BindSpec(spec, standalone{}, pschema.ValidationOptions{})
	if err != nil || problems.HasErrors() {
		t.Fatalf("the schema is not valid: %v, %v", err, problems)
	}
	return Schema{spec}
}

// Inputs are the names of a resource's inputs, sorted.
func (s Schema) Inputs(token string) []string { return keys(s.Resources[token].InputProperties) }

// Arguments are the names of a function's arguments, sorted.
func (s Schema) Arguments(token string) []string { return keys(s.Functions[token].Inputs.Properties) }

// ConfigNames are the names of the provider's configuration, sorted.
func (s Schema) ConfigNames() []string { return keys(s.PackageSpec.Config.Variables) }

func keys(properties map[string]pschema.PropertySpec) []string {
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// standalone loads no other package: the plugins' schemas refer to none.
type standalone struct{}

func (standalone) LoadPackage(name string, _ *semver.Version) (*pschema.Package, error) {
	return nil, errors.New("no package " + name)
}

func (standalone) LoadPackageV2(_ context.Context, of *pschema.PackageDescriptor) (*pschema.Package, error) {
	return nil, errors.New("no package " + of.Name)
}
