// Command rewind-plugins is every Pulumi plugin that Rewind builds itself, in one binary.
//
// The engine starts a plugin by its file name, so the binary is installed once and linked under each plugin's name.
// One binary instead of five: they share most of their code, and linking is what a build on two cores waits for.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"rewind.dev/toolchain/plugins/command"
	"rewind.dev/toolchain/plugins/docker"
	"rewind.dev/toolchain/plugins/nodejs"
	"rewind.dev/toolchain/plugins/postgresql"
)

// plugins maps a plugin's file name to its entry point, which returns the process's exit code.
var plugins = map[string]func() int{
	"pulumi-language-nodejs":        nodejs.Main,
	"pulumi-resource-pulumi-nodejs": nodejs.DynamicProviderMain,
	"pulumi-resource-docker":        docker.Main,
	"pulumi-resource-command":       command.Main,
	"pulumi-resource-postgresql":    postgresql.Main,
}

func main() {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	run, ok := plugins[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "%s is not the name of a plugin. Link or copy this file under one of these names and start that: %s\n",
			name, strings.Join(names(), ", "))
		os.Exit(2)
	}
	os.Exit(run())
}

func names() []string {
	all := make([]string, 0, len(plugins))
	for name := range plugins {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
