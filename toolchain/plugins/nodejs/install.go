package nodejs

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// InstallDependencies runs the project's package manager and streams what it prints.
func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	opts, err := parseOptions(req.GetInfo().GetOptions())
	if err != nil {
		return err
	}
	streams, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, req.GetIsTerminal())
	if err != nil {
		return err
	}
	defer streams.Close() //nolint:errcheck // closed with its error below; this one is for the early returns

	dir := req.GetInfo().GetProgramDirectory()
	workspace, err := npm.FindWorkspaceRoot(dir)
	switch {
	case err == nil:
		dir = workspace
	case !errors.Is(err, npm.ErrNotInWorkspace):
		return fmt.Errorf("look for the workspace that %s belongs to: %w", dir, err)
	}
	fmt.Fprintf(stdout, "Installing dependencies in %s\n\n", dir)
	manager, err := npm.Install(server.Context(), opts.packagemanager, dir, opts.production, stdout, stderr)
	if err != nil {
		return fmt.Errorf("`%s install` in %s failed: %w", manager, dir, err)
	}
	fmt.Fprintf(stdout, "Finished installing dependencies\n\n")
	return streams.Close()
}
