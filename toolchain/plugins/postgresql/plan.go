package postgresql

import (
	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// plan is what the resource is to be: its inputs, with the rest filled in from the state. Without a state, what the
// server will choose is unknown.
func (r *resourceType) plan(state, inputs property.Map, ignoreChanges []string) values {
	exists := state.Len() > 0
	planned := property.NewMap(nil)
	for _, f := range r.fields {
		value := inputs.Get(f.name)
		// A computed text that is empty leaves the choice to the server.
		given := !value.IsNull() && !(f.computed && f.kind == text && isZero(value))
		switch {
		case exists && contains(ignoreChanges, f.name):
			value = state.Get(f.name)
		case given:
			value = f.canonical(value)
		case f.computed && exists:
			value = state.Get(f.name)
		case f.computed:
			value = property.New(property.Computed)
		case f.kind == flag && f.refused == "":
			value = property.New(false)
		default:
			value = property.New(property.Null)
		}
		// What means the same stays as it is written in the state, be it "not set" or "empty".
		if before, ok := state.GetOk(f.name); ok && !value.IsComputed() && f.same(before, value) {
			value = before.WithSecret(before.Secret() || value.Secret())
		}
		if f.secret {
			value = value.WithSecret(true)
		}
		planned = planned.Set(f.name, value)
	}
	return values{planned}
}

// diff says what an update would change.
func (r *resourceType) diff(req provider.DiffRequest) provider.DiffResponse {
	planned := r.plan(req.State, req.Inputs, req.IgnoreChanges)
	detail := map[string]provider.PropertyDiff{}
	replace := false
	for _, f := range r.fields {
		before, after := req.State.Get(f.name), planned.Get(f.name)
		if !after.IsComputed() && f.same(before, after) {
			continue
		}
		replace = replace || f.immutable
		detail[f.name] = provider.PropertyDiff{Kind: diffKind(f, before, after)}
	}
	return provider.DiffResponse{
		HasChanges:   len(detail) > 0,
		DetailedDiff: detail,
		// A second resource of the same name cannot exist beside the first.
		DeleteBeforeReplace: replace && !contains(defaultsOf(req.Inputs), nameField),
	}
}

func diffKind(f field, before, after property.Value) provider.DiffKind {
	switch {
	case before.IsNull() || before.IsArray() && isZero(before):
		return replaceIf(f.immutable, provider.Add, provider.AddReplace)
	case after.IsNull() || after.IsArray() && isZero(after):
		return replaceIf(f.immutable, provider.Delete, provider.DeleteReplace)
	}
	return replaceIf(f.immutable, provider.Update, provider.UpdateReplace)
}

func replaceIf(replace bool, kind, replaceKind provider.DiffKind) provider.DiffKind {
	if replace {
		return replaceKind
	}
	return kind
}
