package nodejs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// GetRequiredPackages names the resource plugins of the installed npm packages, so that the engine has them ready
// before the program asks. A package that cannot be read is left out: its plugin is then loaded on first use.
func (h *host) GetRequiredPackages(
	_ context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	response := &pulumirpc.GetRequiredPackagesResponse{}
	seen := map[string]bool{}
	root := req.GetInfo().GetRootDirectory()
	for _, folder := range ancestors(req.GetInfo().GetProgramDirectory()) {
		walkModules(filepath.Join(folder, "node_modules"), seen, func(file string) {
			dependency, err := pulumiPackage(file)
			if err != nil {
				logging.V(3).Infof("%v", err)
			} else if dependency != nil {
				response.Packages = append(response.Packages, dependency)
			}
		})
		// What lies above the project belongs to somebody else.
		if root == "" || folder == filepath.Clean(root) {
			break
		}
	}
	return response, nil
}

// walkModules visits the package.json of every package in a node_modules folder, nested ones included.
func walkModules(modules string, seen map[string]bool, visit func(packageFile string)) {
	real, err := filepath.EvalSymlinks(modules)
	if err != nil || seen[real] {
		return
	}
	seen[real] = true
	entries, err := os.ReadDir(real)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(real, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "@"):
			walkModules(path, seen, visit)
		case strings.HasPrefix(entry.Name(), "."):
			// .bin and package managers' own stores
		default:
			visit(filepath.Join(path, "package.json"))
			walkModules(filepath.Join(path, "node_modules"), seen, visit)
		}
	}
}

type packageJSON struct {
	Name    string                  `json:"name"`
	Version string                  `json:"version"`
	Pulumi  plugin.PulumiPluginJSON `json:"pulumi"`
}

// pulumiPackage reads a package.json; the result is nil when the package has no resource plugin.
func pulumiPackage(file string) (*pulumirpc.PackageDependency, error) {
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte(`"pulumi"`)) {
		return nil, nil //nolint:nilerr // a folder without a package.json is no package
	}
	var info packageJSON
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if !info.Pulumi.Resource {
		return nil, nil
	}

	name := info.Pulumi.Name
	if name == "" {
		short, official := strings.CutPrefix(info.Name, "@pulumi/")
		if !official {
			return nil, fmt.Errorf("%s: pulumi.name is missing: outside @pulumi/ it names the plugin", file)
		}
		name = short
	}
	version := info.Pulumi.Version
	if version == "" {
		version = info.Version
	}
	if version == "" {
		return nil, fmt.Errorf("%s: version is missing: it names the plugin's version", file)
	}
	return &pulumirpc.PackageDependency{
		Name:             name,
		Kind:             "resource",
		Version:          "v" + strings.TrimPrefix(version, "v"),
		Server:           info.Pulumi.Server,
		Parameterization: parameterization(info.Pulumi.Parameterization),
		Extension:        parameterization(info.Pulumi.ExtensionParameterization),
	}, nil
}

func parameterization(given *plugin.PulumiParameterizationJSON) *pulumirpc.PackageParameterization {
	if given == nil {
		return nil
	}
	return &pulumirpc.PackageParameterization{Name: given.Name, Version: given.Version, Value: given.Value}
}
