package postgresql

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// nameOf is the name of a role or database: the one that is known of it, which an update may just have changed, else its
// id.
func nameOf(id string, known values) string {
	if name := known.text("name"); name != "" {
		return name
	}
	return id
}

// databaseOf is the database that a schema, extension or grant is in.
func (srv *server) databaseOf(of values) string {
	if database := of.text("database"); database != "" {
		return database
	}
	return srv.config.database
}

// locate says which database and name a schema or extension has: by what is known of it, else by an id of the form
// `database.name`.
func (srv *server) locate(id string, known values) (database, name string, err error) {
	if name := known.text("name"); name != "" {
		return srv.databaseOf(known), name, nil
	}
	database, name, ok := strings.Cut(id, ".")
	if !ok || database == "" || name == "" || strings.Contains(name, ".") {
		return "", "", fmt.Errorf("the id %q does not have the form <database>.<name>, which is what tells them apart. "+
			"Import with such an id", id)
	}
	return database, name, nil
}

// readIn runs fn on a connection to the database; errNotFound if there is no such database.
func (srv *server) readIn(ctx context.Context, database string, fn func(*pgx.Conn) error) error {
	found := true
	if database != srv.config.database {
		err := srv.read(ctx, "", func(conn *pgx.Conn) (err error) {
			if found, err = databaseExists(ctx, conn, database); err != nil {
				err = explain(err, "cannot look for database %q", database)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if !found {
		return errNotFound
	}
	return srv.read(ctx, database, fn)
}

// removeIn runs fn in a transaction in the database, unless that is gone already with all that was in it.
func (srv *server) removeIn(ctx context.Context, database string, fn func(pgx.Tx) error) error {
	found := false
	err := srv.read(ctx, "", func(conn *pgx.Conn) (err error) {
		if found, err = databaseExists(ctx, conn, database); err != nil {
			err = explain(err, "cannot look for database %q", database)
		}
		return err
	})
	if err != nil || !found {
		return err
	}
	return srv.changeTogether(ctx, database, fn)
}
