package postgresql

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

var schemaType = &resourceType{
	token:    "postgresql:index/schema:Schema",
	describe: "A schema in a database.",
	fields: []field{
		{name: "name", kind: text, required: true, identifier: true, describe: "The schema's name."},
		{name: "database", kind: text, computed: true, immutable: true, identifier: true,
			describe: "The database that it is in. Default: the one that the provider connects to."},
		{name: "owner", kind: text, computed: true, identifier: true,
			describe: "The role that owns the schema. Default: the role that the provider connects as."},
		{name: "ifNotExists", kind: flag, local: true, initial: property.New(true),
			describe: "Whether to take over a schema of that name that exists already."},
		{name: "dropCascade", kind: flag, local: true, describe: "Whether to delete what is in the schema too."},
		{name: "policies", kind: textSet, refused: `use a Grant with objectType "schema"`},
	},
	create: createSchema,
	read:   readSchema,
	update: updateSchema,
	remove: removeSchema,
}

func createSchema(ctx context.Context, srv *server, planned values) (string, error) {
	name, owner, database := planned.text("name"), planned.text("owner"), srv.databaseOf(planned)
	err := srv.changeTogether(ctx, database, func(tx pgx.Tx) error {
		found, err := schemaExists(ctx, tx, name)
		if err != nil {
			return explain(err, "cannot look for schema %q in database %q", name, database)
		}
		var statement string
		switch {
		case !found:
			statement = "CREATE SCHEMA " + ident(name)
			if owner != "" {
				statement += " AUTHORIZATION " + ident(owner)
			}
		case !planned.flag("ifNotExists"):
			statement = "CREATE SCHEMA " + ident(name) // Postgres says that it exists
		case owner != "":
			statement = "ALTER SCHEMA " + ident(name) + " OWNER TO " + ident(owner)
		default:
			return nil
		}
		roles, err := schemaOwners(ctx, tx, name, owner)
		if err != nil {
			return err
		}
		return asMemberOf(ctx, tx, roles, func() error {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return explain(err, "cannot create schema %q in database %q", name, database)
			}
			return nil
		})
	})
	return database + "." + name, err
}

// schemaOwners are the roles whose rights it takes to create the schema, or change it, and give it to owner.
func schemaOwners(ctx context.Context, q querier, name, owner string) ([]string, error) {
	rows, err := q.Query(ctx, `
		SELECT pg_catalog.pg_get_userbyid(datdba)::text FROM pg_catalog.pg_database WHERE datname = current_database()
		UNION SELECT pg_catalog.pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace WHERE nspname = $1`, name)
	if err != nil {
		return nil, explain(err, "cannot read the owners of schema %q", name)
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, explain(err, "cannot read the owners of schema %q", name)
	}
	if owner != "" && !contains(roles, owner) {
		roles = append(roles, owner)
	}
	// Membership in this one comes with owning the database and cannot be granted.
	return without(roles, "pg_database_owner"), nil
}

func without(list []string, s string) []string {
	var rest []string
	for _, element := range list {
		if element != s {
			rest = append(rest, element)
		}
	}
	return rest
}

func readSchema(ctx context.Context, srv *server, id string, known values) (found values, newID string, err error) {
	database, name, err := srv.locate(id, known)
	if err != nil {
		return found, "", err
	}
	err = srv.readIn(ctx, database, func(conn *pgx.Conn) error {
		var owner string
		err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_get_userbyid(nspowner)::text
			FROM pg_catalog.pg_namespace WHERE nspname = $1`, name).Scan(&owner)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNotFound
		}
		if err != nil {
			return explain(err, "cannot read schema %q in database %q", name, database)
		}
		found = values{}.with("name", property.New(name)).
			with("database", property.New(database)).
			with("owner", property.New(owner)).
			with("policies", texts(nil))
		return nil
	})
	return found, database + "." + name, err
}

func updateSchema(ctx context.Context, srv *server, from, to values) error {
	before, name, database := from.text("name"), to.text("name"), srv.databaseOf(to)
	return srv.changeTogether(ctx, database, func(tx pgx.Tx) error {
		owner := to.text("owner")
		roles, err := schemaOwners(ctx, tx, before, owner)
		if err != nil {
			return err
		}
		return asMemberOf(ctx, tx, roles, func() error {
			if before != name {
				if _, err := tx.Exec(ctx, "ALTER SCHEMA "+ident(before)+" RENAME TO "+ident(name)); err != nil {
					return explain(err, "cannot rename schema %q in database %q to %q", before, database, name)
				}
			}
			if owner != "" && owner != from.text("owner") {
				if _, err := tx.Exec(ctx, "ALTER SCHEMA "+ident(name)+" OWNER TO "+ident(owner)); err != nil {
					return explain(err, "cannot change the owner of schema %q in database %q to %q", name, database, owner)
				}
			}
			return nil
		})
	})
}

func removeSchema(ctx context.Context, srv *server, state values) error {
	name, database := state.text("name"), srv.databaseOf(state)
	behaviour := " RESTRICT"
	if state.flag("dropCascade") {
		behaviour = " CASCADE"
	}
	return srv.removeIn(ctx, database, func(tx pgx.Tx) error {
		roles, err := schemaOwners(ctx, tx, name, "")
		if err != nil {
			return err
		}
		return asMemberOf(ctx, tx, roles, func() error {
			if _, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+ident(name)+behaviour); err != nil {
				return explain(err, "cannot delete schema %q in database %q", name, database)
			}
			return nil
		})
	})
}
