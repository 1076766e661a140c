package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Run is the function command:local:run.
type Run struct{}

// Annotate documents the function in the schema.
func (r *Run) Annotate(a infer.Annotator) {
	a.Describe(&r, "Runs a command every time the program runs, in previews too, and returns what it printed.")
}

// RunInputs are the arguments of Run.
type RunInputs struct {
	ProcessInputs
	Command string `pulumi:"command"`
}

// Annotate documents the arguments in the schema.
func (in *RunInputs) Annotate(a infer.Annotator) {
	a.Describe(&in.Command, "The command to run.")
}

// RunOutputs are the result of Run: its arguments and what the command left behind.
type RunOutputs struct {
	RunInputs
	ProcessOutputs
}

// Invoke runs the command.
func (*Run) Invoke(
	ctx context.Context, req infer.FunctionRequest[RunInputs],
) (infer.FunctionResponse[RunOutputs], error) {
	resp := infer.FunctionResponse[RunOutputs]{Output: RunOutputs{RunInputs: req.Input}}
	err := run(ctx, "command", req.Input.Command, req.Input.ProcessInputs, &resp.Output.ProcessOutputs)
	return resp, err
}
