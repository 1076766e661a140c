package plugintest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// Map is a property map; Secret and Unknown make its special values.
type Map = map[string]any

// Secret is a secret value.
func Secret(value any) resource.PropertyValue {
	return resource.MakeSecret(resource.NewPropertyValue(value))
}

// Unknown is a value that a preview does not know yet.
func Unknown() resource.PropertyValue { return resource.MakeComputed(resource.NewProperty("")) }

// Resource is a resource on its way through a stack's life: it keeps what the engine keeps in its state.
type Resource struct {
	plugin *Plugin
	urn    string
	seed   []byte

	ID     string
	Inputs resource.PropertyMap // as checked
	State  resource.PropertyMap
}

// Resource makes a resource that does not exist yet.
func (p *Plugin) Resource(token, name string) *Resource {
	urn := fmt.Sprintf("urn:pulumi:dev::test::%s::%s", token, name)
	return &Resource{plugin: p, urn: urn, seed: []byte(urn)}
}

// Check returns the inputs as the plugin completed them, and what is wrong with them by property.
func (r *Resource) Check(t testing.TB, inputs Map) (resource.PropertyMap, map[string]string) {
	t.Helper()
	resp, err := r.plugin.Check(t.Context(), &rpc.CheckRequest{
		Urn: r.urn, Olds: marshal(t, r.Inputs), News: marshal(t, properties(inputs)), RandomSeed: r.seed,
	})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	failures := map[string]string{}
	for _, failure := range resp.GetFailures() {
		failures[failure.GetProperty()] = failure.GetReason()
	}
	return unmarshal(t, resp.GetInputs()), failures
}

// Preview returns the outputs that a preview of the creation or update shows.
func (r *Resource) Preview(t testing.TB, inputs Map) resource.PropertyMap {
	t.Helper()
	checked := r.checked(t, inputs)
	if r.ID == "" {
		resp, err := r.plugin.Create(t.Context(), &rpc.CreateRequest{
			Urn: r.urn, Properties: marshal(t, checked), Preview: true,
		})
		if err != nil {
			t.Fatalf("preview of create: %v", err)
		}
		return unmarshal(t, resp.GetProperties())
	}
	resp, err := r.plugin.Update(t.Context(), &rpc.UpdateRequest{
		Id: r.ID, Urn: r.urn, Olds: marshal(t, r.State), OldInputs: marshal(t, r.Inputs),
		News: marshal(t, checked), Preview: true,
	})
	if err != nil {
		t.Fatalf("preview of update: %v", err)
	}
	return unmarshal(t, resp.GetProperties())
}

// Create creates the resource and keeps its state.
func (r *Resource) Create(t testing.TB, inputs Map) error {
	t.Helper()
	return r.CreateWithin(t, t.Context(), inputs)
}

// CreateWithin is Create with a context for the request.
func (r *Resource) CreateWithin(t testing.TB, ctx context.Context, inputs Map) error {
	t.Helper()
	return r.create(t, ctx, inputs, 0)
}

// CreateTimeout is Create with a time limit, in seconds, as customTimeouts sets it.
func (r *Resource) CreateTimeout(t testing.TB, inputs Map, seconds float64) error {
	t.Helper()
	return r.create(t, t.Context(), inputs, seconds)
}

func (r *Resource) create(t testing.TB, ctx context.Context, inputs Map, timeout float64) error {
	t.Helper()
	checked := r.checked(t, inputs)
	resp, err := r.plugin.Create(ctx, &rpc.CreateRequest{Urn: r.urn, Properties: marshal(t, checked), Timeout: timeout})
	if err != nil {
		return err
	}
	r.ID, r.Inputs, r.State = resp.GetId(), checked, unmarshal(t, resp.GetProperties())
	return nil
}

// MustCreate is Create for when an error fails the test.
func (r *Resource) MustCreate(t testing.TB, inputs Map) {
	t.Helper()
	if err := r.Create(t, inputs); err != nil {
		t.Fatalf("create: %v", err)
	}
}

// Diff compares the state with new inputs.
func (r *Resource) Diff(t testing.TB, inputs Map) *rpc.DiffResponse {
	t.Helper()
	return r.diff(t, r.checked(t, inputs))
}

// Drift compares the state with the inputs that it came from: what a refresh followed by a preview shows.
func (r *Resource) Drift(t testing.TB) *rpc.DiffResponse {
	t.Helper()
	return r.diff(t, r.Inputs)
}

func (r *Resource) diff(t testing.TB, checked resource.PropertyMap) *rpc.DiffResponse {
	t.Helper()
	resp, err := r.plugin.Diff(t.Context(), &rpc.DiffRequest{
		Id: r.ID, Urn: r.urn, Olds: marshal(t, r.State), OldInputs: marshal(t, r.Inputs), News: marshal(t, checked),
	})
	if err != nil {
		t.Fatalf("diff: %v", err)
	}
	return resp
}

// Update updates the resource and its state.
func (r *Resource) Update(t testing.TB, inputs Map) error {
	t.Helper()
	checked := r.checked(t, inputs)
	resp, err := r.plugin.Update(t.Context(), &rpc.UpdateRequest{
		Id: r.ID, Urn: r.urn, Olds: marshal(t, r.State), OldInputs: marshal(t, r.Inputs), News: marshal(t, checked),
	})
	if err != nil {
		return err
	}
	r.Inputs, r.State = checked, unmarshal(t, resp.GetProperties())
	return nil
}

// MustUpdate is Update for when an error fails the test.
func (r *Resource) MustUpdate(t testing.TB, inputs Map) {
	t.Helper()
	if err := r.Update(t, inputs); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// Refresh reads the resource into the state and says whether it exists. The inputs stay what the program declared.
func (r *Resource) Refresh(t testing.TB) (exists bool) {
	t.Helper()
	resp, err := r.plugin.Read(t.Context(), &rpc.ReadRequest{
		Id: r.ID, Urn: r.urn, Properties: marshal(t, r.State), Inputs: marshal(t, r.Inputs),
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if resp.GetId() == "" {
		return false
	}
	r.ID, r.State = resp.GetId(), unmarshal(t, resp.GetProperties())
	return true
}

// Import reads a resource by its id alone, as `pulumi import` does, and says whether it exists.
func (r *Resource) Import(t testing.TB, id string) (exists bool, err error) {
	t.Helper()
	resp, err := r.plugin.Read(t.Context(), &rpc.ReadRequest{Id: id, Urn: r.urn})
	if err != nil || resp.GetId() == "" {
		return false, err
	}
	r.ID = resp.GetId()
	r.Inputs, r.State = unmarshal(t, resp.GetInputs()), unmarshal(t, resp.GetProperties())
	return true, nil
}

// Delete deletes the resource.
func (r *Resource) Delete(t testing.TB) error {
	t.Helper()
	_, err := r.plugin.Delete(t.Context(), &rpc.DeleteRequest{
		Id: r.ID, Urn: r.urn, Properties: marshal(t, r.State), OldInputs: marshal(t, r.Inputs),
	})
	if err == nil {
		r.ID = ""
	}
	return err
}

// MustDelete is Delete for when an error fails the test.
func (r *Resource) MustDelete(t testing.TB) {
	t.Helper()
	if err := r.Delete(t); err != nil {
		t.Fatalf("delete: %v", err)
	}
}

func (r *Resource) checked(t testing.TB, inputs Map) resource.PropertyMap {
	t.Helper()
	checked, failures := r.Check(t, inputs)
	if len(failures) > 0 {
		t.Fatalf("check: %v", failures)
	}
	return checked
}

func properties(m Map) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

func marshal(t testing.TB, m resource.PropertyMap) *structpb.Struct {
	t.Helper()
	s, err := plugin.MarshalProperties(m, plugin.MarshalOptions{KeepSecrets: true, KeepUnknowns: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unmarshal(t testing.TB, s *structpb.Struct) resource.PropertyMap {
	t.Helper()
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepSecrets: true, KeepUnknowns: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Another makes a second resource of the same type, which does not exist yet.
func (r *Resource) Another(name string) *Resource {
	urn := r.urn[:strings.LastIndex(r.urn, "::")+2] + name
	return &Resource{plugin: r.plugin, urn: urn, seed: []byte(urn)}
}
