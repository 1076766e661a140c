package postgresql

import (
	"fmt"
	"sort"
	"strings"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// defaultsKey holds, in the inputs of a resource, the names of those that the plugin added. The official plugin keeps
// them there, and tells by it whether a name was its own choice.
const defaultsKey = "__defaults"

const (
	nameField     = "name"
	suffixHexLen  = 7 // of a name that the plugin makes up
	suffixDivider = "-"
)

// check completes the inputs of a resource and says what is wrong with them.
func (r *resourceType) check(req provider.CheckRequest) (provider.CheckResponse, error) {
	inputs, failures := checkFields(r.fields, req.Inputs)
	var added []property.Value
	for _, f := range r.fields {
		if inputs.Get(f.name).IsNull() && !f.initial.IsNull() {
			inputs = inputs.Set(f.name, f.initial)
			added = append(added, property.New(f.name))
		}
	}
	if _, named := find(r.fields, nameField); named && inputs.Get(nameField).IsNull() {
		name, err := makeName(req)
		if err != nil {
			return provider.CheckResponse{}, err
		}
		inputs = inputs.Set(nameField, property.New(name))
		added = append(added, property.New(nameField))
	}
	for _, f := range r.fields {
		if f.required && inputs.Get(f.name).IsNull() {
			failures = append(failures, provider.CheckFailure{
				Property: f.name, Reason: fmt.Sprintf("%s is required: %s", f.name, f.describe),
			})
		}
	}
	if len(failures) == 0 && r.validate != nil {
		failures = r.validate(values{inputs})
	}
	sort.Slice(added, func(i, j int) bool { return added[i].AsString() < added[j].AsString() })
	inputs = inputs.Set(defaultsKey, property.New(property.NewArray(added)))
	return provider.CheckResponse{Inputs: inputs, Failures: failures}, nil
}

// checkFields converts what is given to the fields' kinds and leaves out nulls.
func checkFields(fields []field, given property.Map) (property.Map, []provider.CheckFailure) {
	inputs := property.NewMap(nil)
	var failures []provider.CheckFailure
	fail := func(name, reason string) {
		failures = append(failures, provider.CheckFailure{Property: name, Reason: reason})
	}
	for name, value := range given.AllStable {
		if internal(name) || value.IsNull() {
			continue
		}
		f, ok := find(fields, name)
		switch {
		case !ok:
			fail(name, fmt.Sprintf("%s is not a known property. Known are: %s", name, strings.Join(supported(fields), ", ")))
			continue
		case f.refused != "":
			fail(name, fmt.Sprintf("%s is not supported by this build of the postgresql plugin: %s", name, f.refused))
			continue
		}
		converted, problem := f.convert(value)
		if problem != "" {
			fail(name, fmt.Sprintf("%s %s", name, problem))
		}
		if f.secret {
			converted = converted.WithSecret(true)
		}
		inputs = inputs.Set(name, converted)
	}
	return inputs, failures
}

// internal properties belong to the engine, the SDK or the official plugin, never to the program.
func internal(name string) bool { return strings.HasPrefix(name, "__") }

func supported(fields []field) []string {
	var names []string
	for _, f := range fields {
		if f.refused == "" {
			names = append(names, f.name)
		}
	}
	sort.Strings(names)
	return names
}

// makeName keeps the name that the plugin made up before, or makes one up from the resource's name in the program.
func makeName(req provider.CheckRequest) (string, error) {
	if old := req.State.Get(nameField); old.IsString() && contains(defaultsOf(req.State), nameField) {
		return old.AsString(), nil
	}
	name, err := resource.NewUniqueName(
		req.RandomSeed, req.Urn.Name()+suffixDivider, suffixHexLen, maxIdentifier, []rune("0123456789abcdef"))
	if err != nil {
		return "", fmt.Errorf("%s: cannot make a name of at most %d characters from %q: %w. Set `name`",
			nameField, maxIdentifier, req.Urn.Name(), err)
	}
	return name, nil
}

func defaultsOf(inputs property.Map) []string { return values{inputs}.texts(defaultsKey) }

func contains(list []string, s string) bool {
	for _, element := range list {
		if element == s {
			return true
		}
	}
	return false
}
