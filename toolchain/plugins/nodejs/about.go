package nodejs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// About describes node and the package manager. The engine asks for it in every update, for the update's metadata, so
// versions are read from package.json files; only node itself has to be started for its version.
func (h *host) About(ctx context.Context, req *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, errNoNode
	}
	opts, err := parseOptions(req.GetInfo().GetOptions())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.AboutResponse{Executable: node, Metadata: map[string]string{}}
	if out, err := exec.CommandContext(ctx, node, "--version").Output(); err == nil {
		response.Version = strings.TrimSpace(string(out))
	}
	if manager, err := npm.ResolvePackageManager(opts.packagemanager, req.GetInfo().GetProgramDirectory()); err == nil {
		response.Metadata["packagemanager"] = manager.Name()
		if version := installedVersion(manager.Name()); version != "" {
			response.Metadata["packagemanagerVersion"] = version
		}
	}
	for _, folder := range ancestors(req.GetInfo().GetProgramDirectory()) {
		if version := packageVersion(filepath.Join(folder, "node_modules", "typescript")); version != "" {
			response.Metadata["typescriptVersion"] = version
			break
		}
	}
	return response, nil
}

// GetProgramDependencies lists the packages of the project's lock file.
func (h *host) GetProgramDependencies(
	ctx context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	opts, err := parseOptions(req.GetInfo().GetOptions())
	if err != nil {
		return nil, err
	}
	dir := req.GetInfo().GetProgramDirectory()
	manager, err := npm.ResolvePackageManager(opts.packagemanager, dir)
	if err != nil {
		return nil, err
	}
	packages, err := manager.ListPackages(ctx, dir, req.GetTransitiveDependencies())
	if err != nil {
		return nil, fmt.Errorf("list the npm packages of %s: %w", dir, err)
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, dependency := range packages {
		response.Dependencies = append(response.Dependencies,
			&pulumirpc.DependencyInfo{Name: dependency.Name, Version: dependency.Version})
	}
	return response, nil
}

// installedVersion returns the version of a package manager that is itself an npm package, or "" if it is not.
// Its executable is a link into the package, as in …/node_modules/npm/bin/npm-cli.js.
func installedVersion(manager string) string {
	executable, err := exec.LookPath(manager)
	if err != nil {
		return ""
	}
	script, err := filepath.EvalSymlinks(executable)
	if err != nil {
		return ""
	}
	return packageVersion(filepath.Dir(filepath.Dir(script)))
}

// packageVersion returns the version in a package's package.json, or "" where there is none.
func packageVersion(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return ""
	}
	var info packageJSON
	if json.Unmarshal(text, &info) != nil {
		return ""
	}
	return info.Version
}
