package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is the resource command:local:Command.
type Command struct{}

// Annotate documents the resource in the schema.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command that runs when the resource is created, updated or deleted, on the machine of the Pulumi engine.")
}

// CommandInputs are the inputs of Command.
type CommandInputs struct {
	// A change of one element arrives as `triggers[0]`, which replaceOnChanges does not reach here: the SDK declares
	// the replacement for those. This one is for triggers that come or go as a whole.
	Triggers *[]any  `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
	ProcessInputs
}

// Annotate documents the inputs in the schema.
func (in *CommandInputs) Annotate(a infer.Annotator) {
	a.Describe(&in.Triggers, "Values of any kind; the resource is replaced when one of them changes.")
	a.Describe(&in.Create, "The command to run on creation, and on every update if there is no `update`.")
	a.Describe(&in.Update, "The command to run when any input changed. Default: `create`.")
	a.Describe(&in.Delete, "The command to run on deletion.")
}

// CommandOutputs are the state of Command.
type CommandOutputs struct {
	CommandInputs
	ProcessOutputs
}

// Create runs `create`, or nothing in a preview or if there is none.
func (*Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	state := CommandOutputs{CommandInputs: req.Inputs}
	resp := infer.CreateResponse[CommandOutputs]{ID: id, Output: state}
	if err != nil || req.DryRun || req.Inputs.Create == nil {
		return resp, err
	}
	err = run(ctx, "create", *req.Inputs.Create, req.Inputs.ProcessInputs, &resp.Output.ProcessOutputs)
	return resp, err
}

// Update runs `update`, else `create`. Outputs that the run does not produce keep their previous values.
func (*Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	resp := infer.UpdateResponse[CommandOutputs]{
		Output: CommandOutputs{CommandInputs: req.Inputs, ProcessOutputs: req.State.ProcessOutputs},
	}
	what, text := "update", req.Inputs.Update
	if text == nil {
		what, text = "create", req.Inputs.Create
	}
	if req.DryRun || text == nil {
		return resp, nil
	}
	err := run(ctx, what, *text, req.Inputs.ProcessInputs, &resp.Output.ProcessOutputs)
	return resp, err
}

// Delete runs `delete` with the inputs that the last create or update had.
func (*Command) Delete(
	ctx context.Context, req infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	if req.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	outputs := req.State.ProcessOutputs
	return infer.DeleteResponse{}, run(ctx, "delete", *req.State.Delete, req.State.ProcessInputs, &outputs)
}
