package postgresql

import (
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	rpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"rewind.dev/toolchain/plugins/plugintest"
)

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// expectSilent fails if a refresh right now would show any difference.
func expectSilent(t *testing.T, r *plugintest.Resource) {
	t.Helper()
	before := r.State
	if !r.Refresh(t) {
		t.Fatal("the resource is gone")
	}
	expect(t, "state after a refresh", r.State.Mappable(), before.Mappable())
	expect(t, "diff after a refresh", changedBy(r.Drift(t)), []string(nil))
}

// changedBy lists what a diff changes, with a "!" where that replaces the resource.
func changedBy(diff *rpc.DiffResponse) []string {
	var changed []string
	for name, property := range diff.GetDetailedDiff() {
		if strings.HasSuffix(property.GetKind().String(), "_REPLACE") {
			name += "!"
		}
		changed = append(changed, name)
	}
	sort.Strings(changed)
	if (len(changed) > 0) != (diff.GetChanges() == rpc.DiffResponse_DIFF_SOME) {
		changed = append(changed, "but changes is "+diff.GetChanges().String())
	}
	return changed
}

// value is a property of a state, without its secret mark.
func value(state resource.PropertyMap, name string) any {
	property := state[resource.PropertyKey(name)]
	if property.IsSecret() {
		property = property.SecretValue().Element
	}
	return property.Mappable()
}

// expectValues compares some properties of a state.
func expectValues(t *testing.T, state resource.PropertyMap, want props) {
	t.Helper()
	for name, wanted := range want {
		expect(t, name, value(state, name), wanted)
	}
}

func expectError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not have %q: %v", part, err)
		}
	}
}

func list(values ...any) []any { return append([]any{}, values...) }
