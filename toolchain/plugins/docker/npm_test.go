package docker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	pschema "github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// npmPackage is the official SDK of the version that this plugin stands in for.
const npmPackage = "../../../node_modules/@pulumi/docker"

// notBridged are the declarations that belong to docker.Image.
var notBridged = regexp.MustCompile(`^(Image|ImageArgs|Registry|DockerBuild|CacheFrom|BuilderVersion)$`)

func TestTheSchemaHasThePropertiesOfTheNpmPackageAndNoOthers(t *testing.T) {
	spec := embeddedSchema(t)
	declared := declarations(t)
	compared := 0
	compare := func(name string, properties map[string]pschema.PropertySpec, required []string) {
		compared++
		want, ok := declared[name]
		if !ok {
			t.Errorf("the npm package does not declare %s", name)
			return
		}
		mandatory := map[string]bool{}
		for _, property := range required {
			mandatory[property] = true
		}
		for property, schema := range properties {
			if property == "id" {
				continue
			}
			kind, ok := want[property]
			if !ok {
				t.Errorf("%s.%s is not in the npm package", name, property)
			} else if got := kindOf(schema, mandatory[property]); got != kind {
				t.Errorf("%s.%s is %s, in the npm package %s", name, property, got, kind)
			}
		}
		for property := range want {
			if _, ok := properties[property]; !ok && property != "id" {
				t.Errorf("%s.%s is missing", name, property)
			}
		}
		delete(declared, name)
	}

	for token, resource := range spec.Resources {
		name := typeName(token)
		compare(name+"Args", resource.InputProperties, resource.RequiredInputs)
		compare(name, resource.Properties, resource.Required)
	}
	for token, function := range spec.Functions {
		if strings.HasPrefix(token, "pulumi:providers:") {
			continue // a method of the provider
		}
		name := typeName(token)
		if function.Inputs != nil {
			compare(name+"Args", function.Inputs.Properties, function.Inputs.Required)
		}
		compare(name+"Result", function.ReturnType.ObjectTypeSpec.Properties, function.ReturnType.ObjectTypeSpec.Required)
	}
	compare("ProviderArgs", spec.Provider.InputProperties, spec.Provider.RequiredInputs)
	for token, object := range spec.Types {
		if name := typeName(token); declared["inputs."+name] != nil {
			compare("inputs."+name, object.Properties, object.Required)
		}
	}

	for name := range declared {
		bare := strings.TrimPrefix(name, "inputs.")
		derived := strings.HasSuffix(name, "State") || strings.HasSuffix(name, "OutputArgs") || name == "Provider" ||
			strings.HasPrefix(name, "inputs.") && strings.HasSuffix(name, "Args")
		if !derived && !notBridged.MatchString(bare) {
			t.Errorf("%s is missing", name)
		}
	}
	if compared < 60 {
		t.Errorf("only %d declarations were compared", compared)
	}
}

// What the bridge does comes from Info, what it says of itself from schema.json: the two have to agree.
func TestTheSchemaIsThatOfTheBridge(t *testing.T) {
	spec := embeddedSchema(t)
	info := Info()
	info.P.ResourcesMap().Range(func(name string, resource shim.Resource) bool {
		bridged := info.Resources[name]
		properties := spec.Resources[string(bridged.Tok)].Properties
		resource.Schema().Range(func(field string, _ shim.Schema) bool {
			property := tfbridge.TerraformToPulumiNameV2(field, resource.Schema(), bridged.Fields)
			if _, ok := properties[property]; !ok && property != "id" {
				t.Errorf("%s.%s is not in schema.json: run `go generate ./docker`", bridged.Tok, property)
			}
			return true
		})
		if got, want := bridged.DeleteBeforeReplace, name == "docker_container"; got != want {
			t.Errorf("%s: DeleteBeforeReplace is %v", name, got)
		}
		return true
	})
	for name, function := range info.DataSources {
		if _, ok := spec.Functions[string(function.Tok)]; !ok {
			t.Errorf("%s is not in schema.json: run `go generate ./docker`", name)
		}
	}
	if len(spec.Resources) != len(info.Resources) {
		t.Errorf("schema.json has %d resources, the bridge %d: run `go generate ./docker`", len(spec.Resources), len(info.Resources))
	}
	// A deprecated property would give a warning, for which the bridge has no host: see NewServer.
	info.P.Schema().Range(func(name string, property shim.Schema) bool {
		if property.Deprecated() != "" {
			t.Errorf("the configuration property %s is deprecated", name)
		}
		return true
	})
}

func embeddedSchema(t *testing.T) pschema.PackageSpec {
	t.Helper()
	var spec pschema.PackageSpec
	if err := json.Unmarshal(schema, &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// typeName is the name of a token's declaration in the npm package.
func typeName(token string) string {
	name := token[strings.LastIndex(token, ":")+1:]
	return strings.ToUpper(name[:1]) + name[1:]
}

// declarations reads the properties of every class and interface in the npm package, and the kind of each. The input
// types, which have the names of output types, are kept under "inputs.".
func declarations(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(npmPackage, "*.d.ts"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s is not installed: run `npm ci`", npmPackage)
	}
	all := map[string]map[string]string{}
	for _, file := range files {
		parse(t, file, "", all)
	}
	parse(t, filepath.Join(npmPackage, "types", "input.d.ts"), "inputs.", all)
	return all
}

var (
	opening   = regexp.MustCompile(`^export (?:declare class|interface) (\w+)`)
	spreadMap = regexp.MustCompile(`\{\n\s+\[key: string\]: [^\n]*\n\s+\}([^\n]*)`)
	member    = regexp.MustCompile(`^    (?:readonly )?(\w+)(\??): (.*)$`)
)

func parse(t *testing.T, file, prefix string, all map[string]map[string]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var current map[string]string
	// A map's declaration is spread over three lines, the last of which says whether it is optional.
	for _, line := range strings.Split(spreadMap.ReplaceAllString(string(text), "{}$1"), "\n") {
		if found := opening.FindStringSubmatch(line); found != nil {
			current = map[string]string{}
			all[prefix+found[1]] = current
		} else if strings.HasPrefix(line, "}") {
			current = nil
		} else if found := member.FindStringSubmatch(line); found != nil && current != nil {
			optional := found[2] == "?" || strings.Contains(found[3], "| undefined")
			current[found[1]] = presence(!optional) + kindOfText(found[3])
		}
	}
}

func presence(required bool) string {
	if required {
		return "a required "
	}
	return "an optional "
}

func kindOfText(text string) string {
	switch {
	case strings.Contains(text, "[]"):
		return "list"
	case strings.Contains(text, "{"):
		return "map"
	}
	for _, kind := range []string{"string", "number", "boolean"} {
		if strings.Contains(text, kind) {
			return kind
		}
	}
	return "object"
}

func kindOf(schema pschema.PropertySpec, required bool) string {
	kinds := map[string]string{"array": "list", "integer": "number", "object": "map"}
	kind := schema.Type
	if renamed, ok := kinds[kind]; ok {
		kind = renamed
	}
	if schema.Ref != "" {
		kind = "object"
	}
	return presence(required) + kind
}
