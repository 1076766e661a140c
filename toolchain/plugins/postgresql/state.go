package postgresql

import (
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// idField is the resource's id as a property. The official plugin keeps it in the state, and identifies a resource by
// it after a rename, of which the engine does not learn.
const idField = "id"

// newState is the state after a create or update: what the server says, else what was planned.
func (r *resourceType) newState(id string, planned values, found values) property.Map {
	state := property.NewMap(nil)
	for _, f := range r.fields {
		value, ok := found.GetOk(f.name)
		if !ok {
			value = planned.Get(f.name)
		}
		state = state.Set(f.name, f.keepSecret(value, planned.Get(f.name)))
	}
	return state.Set(idField, property.New(id))
}

// refreshedState is the state after a read. What means the same stays as it was written, so that a refresh without
// drift changes nothing, whichever of "not set" and "empty" the plugin that wrote it prefers.
func (r *resourceType) refreshedState(id string, state property.Map, found values) property.Map {
	refreshed := property.NewMap(nil)
	for _, f := range r.fields {
		before := state.Get(f.name)
		value, ok := found.GetOk(f.name)
		if !ok || f.same(before, value) && state.Len() > 0 {
			value = before
		}
		if state.Len() == 0 && !ok && f.local {
			value = f.initialValue()
		}
		refreshed = refreshed.Set(f.name, f.keepSecret(value, before))
	}
	return refreshed.Set(idField, property.New(id))
}

// refreshedInputs are the inputs after a read: those that drifted have the values that the server has now.
func (r *resourceType) refreshedInputs(inputs, refreshed property.Map) property.Map {
	if inputs.Len() == 0 {
		return r.importedInputs(refreshed)
	}
	drifted := map[string]bool{}
	for _, f := range r.fields {
		before, given := inputs.GetOk(f.name)
		after := refreshed.Get(f.name)
		if !given || f.same(before, after) {
			continue
		}
		inputs = inputs.Set(f.name, f.keepSecret(after, before))
		drifted[f.name] = true
	}
	if before, ok := inputs.GetOk(defaultsKey); ok && before.IsArray() {
		var still []string
		for _, name := range (values{inputs}).texts(defaultsKey) {
			if !drifted[name] || name == nameField {
				still = append(still, name)
			}
		}
		inputs = inputs.Set(defaultsKey, texts(still))
	}
	return inputs
}

// importedInputs are what a program must say to get the resource that was read: all that is not the default.
func (r *resourceType) importedInputs(refreshed property.Map) property.Map {
	inputs := property.NewMap(map[string]property.Value{defaultsKey: texts(nil)})
	for _, f := range r.fields {
		value := refreshed.Get(f.name)
		if f.local || f.refused != "" || isZero(value) || f.same(value, f.initialValue()) {
			continue
		}
		inputs = inputs.Set(f.name, value)
	}
	return inputs
}

// initialValue is the value of a field that the program leaves out.
func (f field) initialValue() property.Value {
	if f.initial.IsNull() && f.kind == flag && f.refused == "" {
		return property.New(false)
	}
	return f.initial
}

// keepSecret marks value secret if the field is or if the value it stands for was.
func (f field) keepSecret(value, before property.Value) property.Value {
	return value.WithSecret(value.Secret() || f.secret || before.HasSecrets())
}
