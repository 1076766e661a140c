package docker

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"rewind.dev/toolchain/plugins/command/redact"
)

// The bridge gives secrets back in the clear. The engine's remedy is to make the whole of a property secret when a part of
// its input is: one password in `envs`, and a preview shows nothing of the environment any more. So this plugin accepts
// secrets and marks in its answers exactly the parts that were secret in the request.

// markSecrets marks in out what is secret in the hints: the inputs that out was made from, and earlier outputs.
func markSecrets(out *structpb.Struct, hints ...*structpb.Struct) {
	for _, hint := range hints {
		for name, value := range hint.GetFields() {
			if given, ok := out.GetFields()[name]; ok {
				out.Fields[name] = marked(given, value)
			}
		}
	}
}

// marked returns value with the parts secret that are secret in hint. Where the two have not the same shape, all of it is.
func marked(value, hint *structpb.Value) *structpb.Value {
	switch {
	case isSecret(value) || !hasSecret(hint):
		return value
	case isSecret(hint):
		return secret(value)
	case value.GetStructValue() != nil && hint.GetStructValue() != nil:
		markSecrets(value.GetStructValue(), hint.GetStructValue())
		return value
	case value.GetListValue() != nil && hint.GetListValue() != nil:
		return markedList(value, hint.GetListValue().GetValues())
	default:
		return secret(value)
	}
}

// markedList marks the elements that agree with a hint that has a secret. They are found by what they are and not by where
// they are: sets come back in another order.
func markedList(value *structpb.Value, hints []*structpb.Value) *structpb.Value {
	elements := value.GetListValue().GetValues()
	for _, hint := range hints {
		if !hasSecret(hint) {
			continue
		}
		found := false
		for i, element := range elements {
			if covers(element, hint) {
				elements[i], found = marked(element, hint), true
			}
		}
		if !found {
			return secret(value)
		}
	}
	return value
}

// covers says whether value has all that hint has; it may have more, such as the defaults that upstream fills in.
func covers(value, hint *structpb.Value) bool {
	value, hint = plain(value), plain(hint)
	switch {
	case value.GetStructValue() != nil && hint.GetStructValue() != nil:
		for name, wanted := range hint.GetStructValue().GetFields() {
			given, ok := value.GetStructValue().GetFields()[name]
			if name != defaultsKey && (!ok || !covers(given, wanted)) {
				return false
			}
		}
		return true
	case value.GetListValue() != nil && hint.GetListValue() != nil:
		values, wanted := value.GetListValue().GetValues(), hint.GetListValue().GetValues()
		if len(values) != len(wanted) {
			return false
		}
		for i := range wanted {
			if !covers(values[i], wanted[i]) {
				return false
			}
		}
		return true
	default:
		return proto.Equal(value, hint)
	}
}

// defaultsKey is the bridge's own note of which inputs have a default value.
const defaultsKey = "__defaults"

func isSecret(value *structpb.Value) bool {
	return value.GetStructValue().GetFields()[resource.SigKey].GetStringValue() == resource.SecretSig
}

func hasSecret(value *structpb.Value) bool { return len(secretsIn(value)) > 0 }

// secretsIn returns the secret parts of value, each without its mark.
func secretsIn(value *structpb.Value) []*structpb.Value {
	if isSecret(value) {
		return []*structpb.Value{plain(value)}
	}
	var found []*structpb.Value
	for _, field := range value.GetStructValue().GetFields() {
		found = append(found, secretsIn(field)...)
	}
	for _, element := range value.GetListValue().GetValues() {
		found = append(found, secretsIn(element)...)
	}
	return found
}

func secret(value *structpb.Value) *structpb.Value {
	return structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
		resource.SigKey: structpb.NewStringValue(resource.SecretSig),
		"value":         value,
	}})
}

func plain(value *structpb.Value) *structpb.Value {
	for isSecret(value) {
		value = value.GetStructValue().GetFields()["value"]
	}
	return value
}

// maskSecrets masks the secrets of the hints in an error, and marks them in the state of a resource that it carries.
func maskSecrets(err error, hints ...*structpb.Struct) error {
	if err == nil {
		return nil
	}
	mask := masker(hints)
	response, ok := status.FromError(err)
	if !ok {
		return errors.New(mask(err.Error()))
	}
	masked := response.Proto()
	masked.Message = mask(masked.GetMessage())
	for i, detail := range masked.GetDetails() {
		var failed pulumirpc.ErrorResourceInitFailed
		if detail.UnmarshalTo(&failed) != nil {
			continue
		}
		markSecrets(failed.GetProperties(), hints...)
		markSecrets(failed.GetInputs(), hints...)
		for j, reason := range failed.GetReasons() {
			failed.Reasons[j] = mask(reason)
		}
		if repacked, err := anypb.New(&failed); err == nil {
			masked.Details[i] = repacked
		}
	}
	return status.FromProto(masked).Err()
}

// maskText masks the secrets of the hints in a text.
func maskText(text string, hints ...*structpb.Struct) string { return masker(hints)(text) }

func masker(hints []*structpb.Struct) func(string) string {
	secrets := map[string]property.Value{}
	for _, hint := range hints {
		for _, found := range secretsIn(structpb.NewStructValue(hint)) {
			for _, text := range textsIn(found) {
				secrets[text] = property.New(text).WithSecret(true)
			}
		}
	}
	known := redact.With(context.Background(), property.NewMap(secrets))
	return func(text string) string { return redact.Text(known, text) }
}

// textsIn returns every string in value.
func textsIn(value *structpb.Value) []string {
	if text, ok := value.GetKind().(*structpb.Value_StringValue); ok {
		return []string{text.StringValue}
	}
	var found []string
	for _, field := range plain(value).GetStructValue().GetFields() {
		found = append(found, textsIn(field)...)
	}
	for _, element := range plain(value).GetListValue().GetValues() {
		found = append(found, textsIn(element)...)
	}
	return found
}
