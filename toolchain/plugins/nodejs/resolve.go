package nodejs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// runModule starts a Pulumi program. PULUMI_LANGUAGE_NODEJS_RUN_PATH names another one.
const runModule = "@pulumi/pulumi/cmd/run"

// dynamicProviderModule starts the provider of dynamic resources.
const dynamicProviderModule = "@pulumi/pulumi/cmd/dynamic-provider"

// resolveModule returns the file that node loads for a module which is a folder with an index.js, seen from dir.
//
// Node's own look-up through node_modules is repeated here: starting node only for require.resolve costs 40 ms.
// Where it finds nothing (Plug'n'Play, a custom loader), node is asked after all.
func resolveModule(ctx context.Context, module, dir string) (string, error) {
	for _, folder := range ancestors(dir) {
		file := filepath.Join(folder, "node_modules", filepath.FromSlash(module), "index.js")
		if _, err := os.Stat(file); err == nil {
			return filepath.EvalSymlinks(file)
		}
	}
	return askNode(ctx, module, dir)
}

func askNode(ctx context.Context, module, dir string) (string, error) {
	command := exec.CommandContext(ctx, "node", "-p", fmt.Sprintf("require.resolve(%q)", module))
	command.Dir = dir
	out, err := command.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errNoNode
	}
	if err != nil {
		return "", fmt.Errorf("the Pulumi SDK (%s) is not installed in %s: run `npm ci` or `pulumi install` there", module, dir)
	}
	return strings.TrimSpace(string(out)), nil
}

var errNoNode = errors.New("node is not on PATH: install Node.js 20 or newer, or add its folder to PATH")

// ancestors returns dir and its parent folders, the nearest first.
func ancestors(dir string) []string {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	folders := []string{absolute}
	for parent := filepath.Dir(absolute); parent != absolute; parent = filepath.Dir(absolute) {
		folders = append(folders, parent)
		absolute = parent
	}
	return folders
}
