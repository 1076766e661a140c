// Package local is the `local` module of the command plugin: commands on the machine where the Pulumi engine runs.
package local

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// ProcessInputs says how a command is started and what is collected after it. Command and Run share it.
type ProcessInputs struct {
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *Logging           `pulumi:"logging,optional"`
	Interpreter            *[]string          `pulumi:"interpreter,optional"`
	Dir                    *string            `pulumi:"dir,optional"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	AssetPaths             *[]string          `pulumi:"assetPaths,optional"`
	ArchivePaths           *[]string          `pulumi:"archivePaths,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

// Annotate documents the inputs in the schema.
func (in *ProcessInputs) Annotate(a infer.Annotator) {
	a.Describe(&in.Stdin, "Text for the command's standard input. Without it standard input is empty.")
	a.Describe(&in.Logging, "Which of the command's streams appear in the update's log while it runs; "+
		"both are outputs in any case. Default: stdoutAndStderr.")
	a.Describe(&in.Interpreter, "Program and arguments that get the command text as their last argument. "+
		"Default: /bin/sh -c, on Windows cmd /C.")
	a.Describe(&in.Dir, "Working directory. It must exist. Default: the directory of the Pulumi program.")
	a.Describe(&in.Environment, "Variables added to the environment that the plugin itself runs in.")
	a.Describe(&in.AssetPaths, "Globs of files under the working directory to return in `assets`. "+globRules)
	a.Describe(&in.ArchivePaths, "Globs of files under the working directory to return as one `archive`. "+globRules)
	a.Describe(&in.AddPreviousOutputInEnv, "Whether the outputs of the previous create or update are in the environment "+
		"as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR. Default: true.")
}

const globRules = "`*` stands for anything but `/`, `**` for anything; a pattern that begins with `!` takes out again " +
	"what an earlier one took in. Only files are matched."

// ProcessOutputs is what a command left behind.
type ProcessOutputs struct {
	Stdout  string                            `pulumi:"stdout"`
	Stderr  string                            `pulumi:"stderr"`
	Assets  *map[string]*types.AssetOrArchive `pulumi:"assets,optional"`
	Archive *resource.Archive                 `pulumi:"archive,optional"`
}

// Annotate documents the outputs in the schema.
func (out *ProcessOutputs) Annotate(a infer.Annotator) {
	a.Describe(&out.Stdout, "Standard output, less one trailing newline.")
	a.Describe(&out.Stderr, "Standard error, less one trailing newline.")
	a.Describe(&out.Assets, "The files that `assetPaths` matched, by their path relative to the working directory.")
	a.Describe(&out.Archive, "The files that `archivePaths` matched.")
}
