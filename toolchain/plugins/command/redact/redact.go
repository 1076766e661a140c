// Package redact keeps the secrets of a request out of the log lines and error messages that it leads to.
package redact

import (
	"context"
	"sort"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Mask stands where a secret was.
const Mask = "[secret]"

const (
	// Shorter secrets are not masked: hiding every "1" says more about the secret than it hides. The engine's own
	// filter draws the line at the same length.
	minLength = 3
	// Output is masked line by line, so each line of a secret of several lines is one too, unless it is as common as "}".
	minLineLength = 8
)

type contextKey struct{}

// With returns a context that knows the secret strings in maps.
func With(ctx context.Context, maps ...property.Map) context.Context {
	found := map[string]bool{}
	for _, m := range maps {
		collect(property.New(m), false, found)
	}
	if len(found) == 0 {
		return ctx
	}
	secrets := make([]string, 0, len(found))
	for secret := range found {
		secrets = append(secrets, secret)
	}
	// Longest first, so that no secret is left half visible because another is part of it.
	sort.Slice(secrets, func(i, j int) bool {
		if len(secrets[i]) != len(secrets[j]) {
			return len(secrets[i]) > len(secrets[j])
		}
		return secrets[i] < secrets[j]
	})
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, Mask)
	}
	return context.WithValue(ctx, contextKey{}, strings.NewReplacer(pairs...))
}

// Text returns text with the secrets that ctx knows masked.
func Text(ctx context.Context, text string) string {
	replacer, ok := ctx.Value(contextKey{}).(*strings.Replacer)
	if !ok {
		return text
	}
	return replacer.Replace(text)
}

func collect(value property.Value, secret bool, found map[string]bool) {
	secret = secret || value.Secret()
	switch {
	case value.IsMap():
		for _, element := range value.AsMap().All {
			collect(element, secret, found)
		}
	case value.IsArray():
		for _, element := range value.AsArray().All {
			collect(element, secret, found)
		}
	case value.IsString() && secret:
		add(value.AsString(), found)
	}
}

func add(secret string, found map[string]bool) {
	secret = strings.TrimRight(secret, "\n")
	if len(secret) >= minLength {
		found[secret] = true
	}
	lines := strings.Split(secret, "\n")
	if len(lines) == 1 {
		return
	}
	for _, line := range lines {
		if line = strings.TrimSpace(line); len(line) >= minLineLength {
			found[line] = true
		}
	}
}
