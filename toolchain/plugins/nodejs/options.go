package nodejs

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	"google.golang.org/protobuf/types/known/structpb"
)

// options are the `runtime: {options: …}` of Pulumi.yaml.
type options struct {
	// typescript loads TypeScript sources through ts-node. Default true, as in the official host.
	typescript bool
	// tsconfig is the path of a tsconfig.json other than the default one.
	tsconfig string
	// nodeargs are arguments for node itself, as one shell-like string.
	nodeargs string
	// packagemanager is auto, npm, yarn, pnpm or bun.
	packagemanager npm.PackageManagerType
	// production leaves the devDependencies out of an installation.
	production bool
}

var packageManagers = map[string]npm.PackageManagerType{
	"auto": npm.AutoPackageManager,
	"npm":  npm.NpmPackageManager,
	"yarn": npm.YarnPackageManager,
	"pnpm": npm.PnpmPackageManager,
	"bun":  npm.BunPackageManager,
}

// parseOptions reads the options and names the one that has the wrong type.
func parseOptions(given *structpb.Struct) (options, error) {
	result := options{typescript: true}
	values := given.AsMap()
	packagemanager := "auto"
	for _, err := range []error{
		read(values, "typescript", "true or false", &result.typescript),
		read(values, "tsconfig", "a path", &result.tsconfig),
		read(values, "nodeargs", "a string", &result.nodeargs),
		read(values, "packagemanager", "a string", &packagemanager),
		read(values, "production", "true or false", &result.production),
	} {
		if err != nil {
			return options{}, err
		}
	}
	manager, ok := packageManagers[packagemanager]
	if !ok {
		return options{}, fmt.Errorf(
			"Pulumi.yaml: runtime.options.packagemanager is %q: use one of auto, npm, yarn, pnpm, bun", packagemanager)
	}
	result.packagemanager = manager
	return result, nil
}

func read[T any](values map[string]any, key, expected string, into *T) error {
	value, given := values[key]
	if !given {
		return nil
	}
	typed, ok := value.(T)
	if !ok {
		return fmt.Errorf("Pulumi.yaml: runtime.options.%s is %v: it must be %s", key, value, expected)
	}
	*into = typed
	return nil
}
