package plugintest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var member = regexp.MustCompile(`(?m)^    (\w+)\??: `)

// Declared lists the properties that the interface of that name has in a file of the official npm package, such as
// ("command/local/command.d.ts", "CommandArgs").
func Declared(t testing.TB, file, name string) []string {
	t.Helper()
	path := filepath.Join(nodeModules(t), "@pulumi", file)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v. Run `npm ci` at the top of the repository", err)
	}
	body := regexp.MustCompile(`(?s)export interface ` + name + ` \{\n(.*?)\n\}`).FindSubmatch(source)
	if body == nil {
		t.Fatalf("%s has no interface %s", path, name)
	}
	var names []string
	for _, match := range member.FindAllSubmatch(body[1], -1) {
		names = append(names, string(match[1]))
	}
	return names
}

func nodeModules(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		candidate := filepath.Join(dir, "node_modules")
		if _, err := os.Stat(candidate); err == nil {
			return candidate
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no node_modules above the working directory. Run `npm ci` at the top of the repository")
		}
		dir = parent
	}
}
