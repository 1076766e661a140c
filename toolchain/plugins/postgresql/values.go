package postgresql

import "github.com/pulumi/pulumi/sdk/v3/go/property"

// values are the properties of one resource. Reading one that is not set or not known gives the zero value.
type values struct{ property.Map }

func (v values) text(name string) string {
	if value := v.Get(name); value.IsString() {
		return value.AsString()
	}
	return ""
}

func (v values) flag(name string) bool {
	value := v.Get(name)
	return value.IsBool() && value.AsBool()
}

func (v values) number(name string) int {
	if value := v.Get(name); value.IsNumber() {
		return int(value.AsNumber())
	}
	return 0
}

func (v values) texts(name string) []string {
	value := v.Get(name)
	if !value.IsArray() {
		return nil
	}
	var list []string
	for _, element := range value.AsArray().All {
		if element.IsString() {
			list = append(list, element.AsString())
		}
	}
	return list
}

func (v values) with(name string, value property.Value) values {
	return values{v.Set(name, value)}
}

// texts makes a list property.
func texts(list []string) property.Value {
	elements := make([]property.Value, len(list))
	for i, s := range list {
		elements[i] = property.New(s)
	}
	return property.New(property.NewArray(elements))
}

func integer(n int) property.Value { return property.New(float64(n)) }
