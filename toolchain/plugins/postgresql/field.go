package postgresql

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// kind is the type of a field.
type kind int

const (
	text kind = iota
	flag
	number
	textSet  // strings without order: kept sorted
	textList // strings in order
)

// field describes one property of a resource or of the provider's configuration, by the name it has in a program.
type field struct {
	name     string
	kind     kind
	describe string

	required bool
	// immutable fields replace the resource when they change.
	immutable bool
	// computed fields that the program leaves out are the server's choice and stay what they are.
	computed bool
	// local fields say how to go about something. The server does not know them.
	local bool
	// secret fields are secret in the inputs and in the state whatever the program says.
	secret bool
	// identifier fields name something in the database.
	identifier bool
	// initial is the value for a field that the program leaves out. The null value stands for none.
	initial property.Value
	// check returns what is wrong with a known value of the right kind, or "".
	check func(property.Value) string
	// refused fields exist in the official plugin only. It says why, or what to use in their place.
	refused string
}

// find returns the field of that name.
func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// convert makes value one of the field's kind, as far as it is known. problem says why it cannot.
func (f field) convert(value property.Value) (converted property.Value, problem string) {
	if value.IsComputed() {
		return value, ""
	}
	secret := value.Secret()
	switch f.kind {
	case text:
		if !value.IsString() {
			return value, "must be a string"
		}
		problem = f.checkText(value.AsString())
	case flag:
		if value.IsString() {
			b, err := strconv.ParseBool(value.AsString())
			if err != nil {
				return value, fmt.Sprintf("must be true or false, not %q", value.AsString())
			}
			value = property.New(b)
		}
		if !value.IsBool() {
			return value, "must be true or false"
		}
	case number:
		if value.IsString() {
			n, err := strconv.ParseFloat(value.AsString(), 64)
			if err != nil {
				return value, fmt.Sprintf("must be a number, not %q", value.AsString())
			}
			value = property.New(n)
		}
		if !value.IsNumber() || value.AsNumber() != math.Trunc(value.AsNumber()) {
			return value, "must be a whole number"
		}
	case textSet, textList:
		if !value.IsArray() {
			return value, "must be a list of strings"
		}
		for i, element := range value.AsArray().All {
			if element.IsComputed() {
				continue
			}
			if !element.IsString() {
				return value, fmt.Sprintf("element %d must be a string", i)
			}
			if problem := f.checkText(element.AsString()); problem != "" {
				return value, fmt.Sprintf("element %d %s", i, problem)
			}
		}
	}
	if problem == "" && f.check != nil {
		problem = f.check(value)
	}
	return value.WithSecret(secret), problem
}

// Postgres silently cuts longer names off, so that they read back as something else.
const maxIdentifier = 63 // bytes

func (f field) checkText(s string) string {
	if strings.ContainsRune(s, 0) {
		return "has a NUL byte, which Postgres cannot store"
	}
	if f.identifier && len(s) > maxIdentifier {
		return fmt.Sprintf("is %d bytes long, and Postgres cuts names off after %d: %q", len(s), maxIdentifier, s)
	}
	if f.identifier && s == "" && (f.required || f.kind == textSet || f.kind == textList) {
		return "must not be empty"
	}
	return ""
}

// canonical is value the way the state keeps it: sets are sorted and have no duplicates, and a list that is known in
// part is unknown as a whole.
func (f field) canonical(value property.Value) property.Value {
	if f.kind != textSet && f.kind != textList || !value.IsArray() {
		return value
	}
	if value.HasComputed() {
		return property.New(property.Computed).WithSecret(value.HasSecrets())
	}
	elements := value.AsArray().AsSlice()
	for _, element := range elements {
		if !element.IsString() {
			return value // of a field that only the official plugin supports
		}
	}
	if f.kind == textSet {
		sort.Slice(elements, func(i, j int) bool { return elements[i].AsString() < elements[j].AsString() })
		kept := elements[:0]
		for i, element := range elements {
			if i == 0 || element.AsString() != elements[i-1].AsString() {
				kept = append(kept, element)
			}
		}
		elements = kept
	}
	return property.New(property.NewArray(elements)).WithSecret(value.Secret())
}

// same says whether two known values mean the same. Nothing, "", 0, false and an empty list all mean "not set".
func (f field) same(a, b property.Value) bool {
	a, b = f.canonical(a), f.canonical(b)
	if isZero(a) && isZero(b) {
		return true
	}
	return plain(a).Equals(plain(b))
}

func isZero(v property.Value) bool {
	switch {
	case v.IsNull():
		return true
	case v.IsString():
		return v.AsString() == ""
	case v.IsBool():
		return !v.AsBool()
	case v.IsNumber():
		return v.AsNumber() == 0
	case v.IsArray():
		return v.AsArray().Len() == 0
	}
	return false
}

// plain is v without secret marks and dependencies, for comparing.
func plain(v property.Value) property.Value {
	if v.IsArray() {
		elements := v.AsArray().AsSlice()
		for i, element := range elements {
			elements[i] = plain(element)
		}
		v = property.New(property.NewArray(elements))
	}
	return v.WithSecret(false).WithDependencies(nil)
}
