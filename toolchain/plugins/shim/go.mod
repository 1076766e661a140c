// The path puts this module under the upstream provider's own, which is what lets it import internal packages.
// The upstream repository calls itself by that path without being published there: the plugins' go.mod says where
// to find it.
module github.com/terraform-providers/terraform-provider-docker/shim

go 1.26

require (
	github.com/containerd/errdefs v1.0.0
	github.com/docker/docker v28.5.2+incompatible
	github.com/hashicorp/terraform-plugin-sdk/v2 v2.40.1
	github.com/terraform-providers/terraform-provider-docker v0.0.0
)
