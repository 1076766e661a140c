package docker

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// fixNames states every property's name where it would otherwise be derived anew each time it is asked for. The names
// are the derived ones. In a diff the bridge looks properties up by name again and again: for a container with many
// properties this is two fifths of the time.
func fixNames(info *tfbridge.ProviderInfo) {
	for name, resource := range info.Resources {
		if upstream, ok := info.P.ResourcesMap().GetOk(name); ok {
			resource.Fields = namedFields(upstream.Schema(), resource.Fields)
		}
	}
}

func namedFields(schemas shim.SchemaMap, given map[string]*tfbridge.SchemaInfo) map[string]*tfbridge.SchemaInfo {
	named := map[string]*tfbridge.SchemaInfo{}
	schemas.Range(func(name string, schema shim.Schema) bool {
		field := &tfbridge.SchemaInfo{}
		if given[name] != nil {
			*field = *given[name]
		}
		field.Name = tfbridge.TerraformToPulumiNameV2(name, schemas, given)
		if nested, ok := schema.Elem().(shim.Resource); ok {
			element := &tfbridge.SchemaInfo{}
			if field.Elem != nil {
				*element = *field.Elem
			}
			element.Fields = namedFields(nested.Schema(), element.Fields)
			field.Elem = element
		}
		named[name] = field
		return true
	})
	return named
}
