package postgresql

import (
	"context"
	"errors"
	"fmt"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// resourceType is one of the plugin's resources.
type resourceType struct {
	token    string
	describe string
	fields   []field

	// validate says what is wrong with inputs that are each right by themselves. Optional.
	validate func(inputs values) []provider.CheckFailure
	// create makes what is planned and returns its id.
	create func(ctx context.Context, srv *server, planned values) (id string, err error)
	// read returns what the server knows of the resource, by property, and its id: errNotFound if there is none. known
	// is the state so far; it is empty on import, when there is only the id.
	read func(ctx context.Context, srv *server, id string, known values) (found values, newID string, err error)
	// update turns one into the other.
	update func(ctx context.Context, srv *server, from, to values) error
	// remove deletes what the state describes. One that is gone already is no error.
	remove func(ctx context.Context, srv *server, state values) error
}

var errNotFound = errors.New("not found")

var resourceTypes = []*resourceType{roleType, databaseType, schemaType, extensionType, grantType}

func typeOf(token string) (*resourceType, error) {
	for _, r := range resourceTypes {
		if r.token == token {
			return r, nil
		}
	}
	names := ""
	for i, r := range resourceTypes {
		if i > 0 {
			names += ", "
		}
		names += r.token
	}
	return nil, fmt.Errorf("%s is not supported by this build of the postgresql plugin, which has %s. "+
		"Run the SQL with a command.local.Command, or install the official plugin in its place with "+
		"`pulumi plugin install resource %s %s --reinstall`", token, names, Name, Version)
}

func (r *resourceType) doCreate(
	ctx context.Context, srv *server, req provider.CreateRequest,
) (provider.CreateResponse, error) {
	planned := r.plan(property.Map{}, req.Properties, nil)
	if req.DryRun {
		outputs := planned.Set(idField, property.New(property.Computed))
		return provider.CreateResponse{Properties: outputs}, nil
	}
	id, err := r.create(ctx, srv, planned)
	if err != nil {
		return provider.CreateResponse{}, err
	}
	found, id, err := r.read(ctx, srv, id, planned)
	if err != nil {
		// The engine must learn that it exists, or nobody would ever delete it.
		err = fmt.Errorf("%s %q was created, but cannot be read back: %w. Run the update again", r.token, id, err)
		return provider.CreateResponse{
			ID: id, Properties: r.newState(id, r.known(planned), values{}),
			PartialState: &provider.InitializationFailed{Reasons: []string{err.Error()}},
		}, err
	}
	return provider.CreateResponse{ID: id, Properties: r.newState(id, planned, found)}, nil
}

// known is planned without what the server has yet to choose.
func (r *resourceType) known(planned values) values {
	for _, f := range r.fields {
		if planned.Get(f.name).IsComputed() {
			planned = planned.with(f.name, property.New(property.Null))
		}
	}
	return planned
}

func (r *resourceType) doUpdate(
	ctx context.Context, srv *server, req provider.UpdateRequest,
) (provider.UpdateResponse, error) {
	planned := r.plan(req.State, req.Inputs, req.IgnoreChanges)
	id := identity(req.ID, req.State)
	if req.DryRun {
		return provider.UpdateResponse{Properties: planned.Set(idField, property.New(id))}, nil
	}
	if err := r.update(ctx, srv, values{req.State}, planned); err != nil {
		return provider.UpdateResponse{}, err
	}
	found, id, err := r.read(ctx, srv, id, planned)
	if err != nil {
		err = fmt.Errorf("%s %q was updated, but cannot be read back: %w. Run the update again", r.token, id, err)
		return provider.UpdateResponse{
			Properties:   r.newState(id, planned, values{}),
			PartialState: &provider.InitializationFailed{Reasons: []string{err.Error()}},
		}, err
	}
	return provider.UpdateResponse{Properties: r.newState(id, planned, found)}, nil
}

func (r *resourceType) doRead(
	ctx context.Context, srv *server, req provider.ReadRequest,
) (provider.ReadResponse, error) {
	found, id, err := r.read(ctx, srv, identity(req.ID, req.Properties), values{req.Properties})
	if errors.Is(err, errNotFound) {
		return provider.ReadResponse{}, nil
	}
	if err != nil {
		return provider.ReadResponse{}, err
	}
	state := r.refreshedState(id, req.Properties, found)
	return provider.ReadResponse{ID: id, Properties: state, Inputs: r.refreshedInputs(req.Inputs, state)}, nil
}

// identity is the id as the state has it, which knows of a rename, else as the engine has it.
func identity(id string, state property.Map) string {
	if known := state.Get(idField); known.IsString() && known.AsString() != "" {
		return known.AsString()
	}
	return id
}
