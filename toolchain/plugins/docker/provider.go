// Package docker is the plugin pulumi-resource-docker: the upstream Terraform provider behind the Pulumi protocol.
//
// Its tokens, property names and replacement rules are those of the official plugin of the same version, so that
// either plugin can take over a stack that the other deployed.
package docker

import (
	"context"
	"runtime"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	bridgetokens "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

// Version is the version of the official plugin, and of the npm package, that this one stands in for.
const Version = "5.2.0"

const packageName = "docker"

// Info describes the bridge: which upstream resource has which token, and which properties have a name of their own.
func Info() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:         sdkv2.NewProvider(shim.NewProvider(Version)),
		Name:      packageName,
		Version:   Version,
		GitHubOrg: "kreuzwerker",
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				ComputeDefault: func(context.Context, tfbridge.ComputeDefaultOptions) (any, error) {
					return defaultHost(), nil
				},
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		// Only what differs from the derived token or names is listed.
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_config": {Tok: resourceToken("serviceConfig", "ServiceConfig")},
			"docker_container": {
				Tok: resourceToken("container", "Container"),
				// Two containers can share neither a name nor a published port.
				DeleteBeforeReplace: true,
				Fields: map[string]*tfbridge.SchemaInfo{
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
			"docker_image": {
				Tok: resourceToken("remoteImage", "RemoteImage"),
				// An image's name is what it refers to: it gets no random suffix.
				Fields: map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}},
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image": {Tok: tokens.ModuleMember(packageName + ":index/getRemoteImage:getRemoteImage")},
		},
	}
	info.MustComputeTokens(bridgetokens.SingleModule("docker_", "index", bridgetokens.MakeStandard(packageName)))
	info.SetAutonaming(255, "-")
	fixNames(&info)
	return info
}

func defaultHost() string {
	if runtime.GOOS == "windows" {
		return "npipe:////./pipe/docker_engine"
	}
	return "unix:///var/run/docker.sock"
}

func resourceToken(module, name string) tokens.Type {
	return tokens.Type(packageName + ":index/" + module + ":" + name)
}
