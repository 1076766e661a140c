package postgresql

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

var extensionType = &resourceType{
	token:    "postgresql:index/extension:Extension",
	describe: "An extension in a database.",
	fields: []field{
		{name: "name", kind: text, required: true, immutable: true, identifier: true, describe: "The extension's name."},
		{name: "database", kind: text, computed: true, immutable: true, identifier: true,
			describe: "The database to put it into. Default: the one that the provider connects to."},
		{name: "schema", kind: text, computed: true, identifier: true,
			describe: "The schema for its objects. Default: the first of the search path."},
		{name: "version", kind: text, computed: true, describe: "Its version. Default: the newest that the server has."},
		{name: "createCascade", kind: flag, local: true, describe: "Whether to create the extensions that it needs too."},
		{name: "dropCascade", kind: flag, local: true, describe: "Whether to delete what depends on it too."},
	},
	create: createExtension,
	read:   readExtension,
	update: updateExtension,
	remove: removeExtension,
}

func createExtension(ctx context.Context, srv *server, planned values) (string, error) {
	name := planned.text("name")
	database := srv.databaseOf(planned)
	statement := "CREATE EXTENSION IF NOT EXISTS " + ident(name)
	if schema := planned.text("schema"); schema != "" {
		statement += " SCHEMA " + ident(schema)
	}
	if version := planned.text("version"); version != "" {
		statement += " VERSION " + ident(version)
	}
	if planned.flag("createCascade") {
		statement += " CASCADE"
	}
	err := srv.changeTogether(ctx, database, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return explain(err, "cannot create extension %q in database %q", name, database)
		}
		return nil
	})
	return database + "." + name, err
}

func readExtension(ctx context.Context, srv *server, id string, known values) (found values, newID string, err error) {
	database, name, err := srv.locate(id, known)
	if err != nil {
		return found, "", err
	}
	err = srv.readIn(ctx, database, func(conn *pgx.Conn) error {
		var schema, version string
		err := conn.QueryRow(ctx, `SELECT nspname::text, extversion FROM pg_catalog.pg_extension
			JOIN pg_catalog.pg_namespace AS n ON n.oid = extnamespace WHERE extname = $1`, name).Scan(&schema, &version)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNotFound
		}
		if err != nil {
			return explain(err, "cannot read extension %q in database %q", name, database)
		}
		found = values{}.with("name", property.New(name)).
			with("database", property.New(database)).
			with("schema", property.New(schema)).
			with("version", property.New(version))
		return nil
	})
	return found, database + "." + name, err
}

func updateExtension(ctx context.Context, srv *server, from, to values) error {
	name, database := to.text("name"), srv.databaseOf(to)
	return srv.changeTogether(ctx, database, func(tx pgx.Tx) error {
		if schema := to.text("schema"); schema != from.text("schema") {
			if _, err := tx.Exec(ctx, "ALTER EXTENSION "+ident(name)+" SET SCHEMA "+ident(schema)); err != nil {
				return explain(err, "cannot move extension %q in database %q to schema %q", name, database, schema)
			}
		}
		if version := to.text("version"); version != from.text("version") {
			if _, err := tx.Exec(ctx, "ALTER EXTENSION "+ident(name)+" UPDATE TO "+ident(version)); err != nil {
				return explain(err, "cannot bring extension %q in database %q to version %q", name, database, version)
			}
		}
		return nil
	})
}

func removeExtension(ctx context.Context, srv *server, state values) error {
	name, database := state.text("name"), srv.databaseOf(state)
	behaviour := " RESTRICT"
	if state.flag("dropCascade") {
		behaviour = " CASCADE"
	}
	return srv.removeIn(ctx, database, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DROP EXTENSION IF EXISTS "+ident(name)+behaviour); err != nil {
			return explain(err, "cannot delete extension %q in database %q", name, database)
		}
		return nil
	})
}
