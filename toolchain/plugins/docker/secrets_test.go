package docker

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestSecretsAreMarkedWhereTheyAre(t *testing.T) {
	for name, c := range map[string]struct{ out, hint, want any }{
		"a value":                           {"x", hidden{"x"}, hidden{"x"}},
		"a value that changed":              {"y", hidden{"x"}, hidden{"y"}},
		"a field":                           {m{"a": "1", "b": "2"}, m{"a": hidden{"1"}, "b": "2"}, m{"a": hidden{"1"}, "b": "2"}},
		"an element in another place":       {l{"b", "a"}, l{hidden{"a"}, "b"}, l{"b", hidden{"a"}}},
		"an element with defaults added":    {l{m{"k": "1", "d": ""}}, l{m{"k": hidden{"1"}, "__defaults": l{}}}, l{m{"k": hidden{"1"}, "d": ""}}},
		"a list without the element":        {l{"b", "c"}, l{hidden{"a"}, "b"}, hidden{l{"b", "c"}}},
		"another shape":                     {"a", l{hidden{"a"}}, hidden{"a"}},
		"nothing secret":                    {l{"a"}, l{"a"}, l{"a"}},
		"what is marked already":            {hidden{"a"}, hidden{"a"}, hidden{"a"}},
		"an empty hint list and a full one": {l{"a"}, l{}, l{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := &structpb.Struct{Fields: map[string]*structpb.Value{"p": value(c.out)}}
			markSecrets(out, &structpb.Struct{Fields: map[string]*structpb.Value{"p": value(c.hint)}})
			if want := value(c.want); !proto.Equal(out.GetFields()["p"], want) {
				t.Errorf("%v, not %v", out.GetFields()["p"], want)
			}
		})
	}
}

type (
	hidden struct{ of any }
	m      map[string]any
	l      []any
)

func value(of any) *structpb.Value {
	switch of := of.(type) {
	case hidden:
		return secret(value(of.of))
	case m:
		fields := map[string]*structpb.Value{}
		for name, field := range of {
			fields[name] = value(field)
		}
		return structpb.NewStructValue(&structpb.Struct{Fields: fields})
	case l:
		list := &structpb.ListValue{}
		for _, element := range of {
			list.Values = append(list.Values, value(element))
		}
		return structpb.NewListValue(list)
	default:
		return structpb.NewStringValue(of.(string))
	}
}
