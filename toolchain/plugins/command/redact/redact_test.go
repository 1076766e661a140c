package redact

import (
	"context"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

func secret(s string) property.Value { return property.New(s).WithSecret(true) }

func with(values map[string]property.Value) context.Context {
	return With(context.Background(), property.NewMap(values))
}

func TestText(t *testing.T) {
	nested := property.New(property.NewMap(map[string]property.Value{
		"inner": property.New(property.NewArray([]property.Value{property.New("deep secret")})),
	})).WithSecret(true)
	for name, test := range map[string]struct {
		secrets    map[string]property.Value
		text, want string
	}{
		"a secret":                         {map[string]property.Value{"a": secret("hush")}, "say hush, hush", "say [secret], [secret]"},
		"what is no secret":                {map[string]property.Value{"a": property.New("open")}, "open", "open"},
		"a secret inside a secret":         {map[string]property.Value{"a": nested}, "a deep secret", "a [secret]"},
		"a secret that is part of another": {map[string]property.Value{"a": secret("pass"), "b": secret("password")}, "password pass", "[secret] [secret]"},
		"a secret too short to hide":       {map[string]property.Value{"a": secret("1")}, "1 of 1", "1 of 1"},
		"a trailing newline":               {map[string]property.Value{"a": secret("hush\n")}, "hush", "[secret]"},
		"a line of a secret":               {map[string]property.Value{"a": secret("{\n  \"key\": \"value\"\n}")}, `found "key": "value" {`, "found [secret] {"},
		"an unknown secret":                {map[string]property.Value{"a": property.New(property.Computed).WithSecret(true)}, "text", "text"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Text(with(test.secrets), test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTextWithoutARequest(t *testing.T) {
	if got := Text(context.Background(), "as it is"); got != "as it is" {
		t.Errorf("got %q", got)
	}
}
