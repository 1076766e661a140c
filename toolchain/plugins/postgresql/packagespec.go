package postgresql

import (
	"context"
	"encoding/json"

	provider "github.com/pulumi/pulumi-go-provider"
	pschema "github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// getSchema describes the plugin in Pulumi's schema language, made from the fields.
func getSchema(context.Context, provider.GetSchemaRequest) (provider.GetSchemaResponse, error) {
	configuration := propertiesOf(configFields)
	spec := pschema.PackageSpec{
		Name: Name, Version: Version,
		Description: "Roles, databases, schemas, extensions and privileges of a Postgres server.",
		License:     "Apache-2.0",
		// The tokens name the file in the SDK too: `index/role`.
		Meta:   &pschema.MetadataSpec{ModuleFormat: "(.*)(?:/[^/]*)"},
		Config: pschema.ConfigSpec{Variables: configuration},
		Provider: &pschema.ResourceSpec{
			ObjectTypeSpec:  pschema.ObjectTypeSpec{Properties: configuration},
			InputProperties: configuration,
		},
		Resources: map[string]pschema.ResourceSpec{},
		Language:  map[string]pschema.RawMessage{"nodejs": pschema.RawMessage(`{"respectSchemaVersion":true}`)},
	}
	for _, r := range resourceTypes {
		var required, requiredInputs []string
		for _, f := range r.fields {
			if f.required {
				required = append(required, f.name)
			}
			if f.required && f.name != nameField {
				requiredInputs = append(requiredInputs, f.name)
			}
		}
		spec.Resources[r.token] = pschema.ResourceSpec{
			ObjectTypeSpec: pschema.ObjectTypeSpec{
				Description: r.describe, Properties: propertiesOf(r.fields), Required: required,
			},
			InputProperties: propertiesOf(r.fields),
			RequiredInputs:  requiredInputs,
		}
	}
	encoded, err := json.Marshal(spec)
	return provider.GetSchemaResponse{Schema: string(encoded)}, err
}

func propertiesOf(fields []field) map[string]pschema.PropertySpec {
	properties := map[string]pschema.PropertySpec{}
	for _, f := range fields {
		if f.refused != "" {
			continue
		}
		spec := pschema.PropertySpec{
			Description: f.describe, Secret: f.secret, ReplaceOnChanges: f.immutable,
		}
		switch f.kind {
		case text:
			spec.Type = "string"
		case flag:
			spec.Type = "boolean"
		case number:
			spec.Type = "integer"
		case textSet, textList:
			spec.Type = "array"
			spec.Items = &pschema.TypeSpec{Type: "string"}
		}
		spec.Default = defaultOf(f.initial)
		properties[f.name] = spec
	}
	return properties
}

func defaultOf(value property.Value) any {
	switch {
	case value.IsBool():
		return value.AsBool()
	case value.IsNumber():
		return value.AsNumber()
	case value.IsString():
		return value.AsString()
	}
	return nil
}
