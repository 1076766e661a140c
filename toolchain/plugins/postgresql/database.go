package postgresql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const (
	defaultKeyword  = "DEFAULT"
	pristine        = "template0" // the template that takes every encoding and locale
	defaultEncoding = "UTF8"
)

var databaseType = &resourceType{
	token:    "postgresql:index/database:Database",
	describe: "A database.",
	fields: []field{
		{name: "name", kind: text, required: true, identifier: true, describe: "The database's name."},
		{name: "owner", kind: text, computed: true, identifier: true,
			describe: "The role that owns the database. Default: the role that the provider connects as."},
		{name: "template", kind: text, computed: true, immutable: true, identifier: true, local: true,
			describe: "The database to copy, to which nothing may be connected. Default: template0."},
		{name: "encoding", kind: text, computed: true, immutable: true, check: notDefault,
			describe: "The encoding. Default: UTF8."},
		{name: "lcCollate", kind: text, computed: true, immutable: true, check: notDefault,
			describe: "The sort order, LC_COLLATE. Default: that of the template."},
		{name: "lcCtype", kind: text, computed: true, immutable: true, check: notDefault,
			describe: "The character classes, LC_CTYPE. Default: those of the template."},
		{name: "tablespaceName", kind: text, computed: true, identifier: true, check: notDefault,
			describe: "The tablespace. Default: that of the template."},
		{name: "connectionLimit", kind: number, initial: integer(-1), check: atLeast(-1),
			describe: "How many connections the database can have at a time; -1 is no limit."},
		{name: "allowConnections", kind: flag, initial: property.New(true), describe: "Whether anything can connect."},
		{name: "isTemplate", kind: flag, computed: true,
			describe: "Whether every role that can create databases can copy this one."},
		{name: "alterObjectOwnership", kind: flag, local: true,
			describe: "Whether a change of owner also gives the new owner what the old one owns in the database."},
	},
	create: createDatabase,
	read:   readDatabase,
	update: updateDatabase,
	remove: removeDatabase,
}

// notDefault refuses what would never read back as it was written, and so replace the database at every update.
func notDefault(value property.Value) string {
	if value.IsString() && strings.EqualFold(value.AsString(), defaultKeyword) {
		return fmt.Sprintf("%s is not supported: leave the property out, or give the value that %s has on your server",
			defaultKeyword, defaultKeyword)
	}
	return ""
}

func createDatabase(ctx context.Context, srv *server, planned values) (string, error) {
	name := planned.text("name")
	err := srv.change(ctx, "", func(conn *pgx.Conn) error {
		owner := planned.text("owner")
		if owner == "" {
			var err error
			if owner, err = srv.user(ctx, conn); err != nil {
				return err
			}
		}
		return asMemberOf(ctx, conn, []string{owner}, func() error {
			if _, err := conn.Exec(ctx, createDatabaseStatement(name, owner, planned)); err != nil {
				return explain(err, "cannot create database %q", name)
			}
			return nil
		})
	})
	return name, err
}

func createDatabaseStatement(name, owner string, planned values) string {
	template := planned.text("template")
	switch {
	case template == "":
		template = ident(pristine)
	case strings.EqualFold(template, defaultKeyword):
		template = defaultKeyword
	default:
		template = ident(template)
	}
	encoding := planned.text("encoding")
	if encoding == "" {
		encoding = defaultEncoding
	}
	statement := "CREATE DATABASE " + ident(name) + " OWNER " + ident(owner) + " TEMPLATE " + template +
		" ENCODING " + literal(encoding)
	if locale := planned.text("lcCollate"); locale != "" {
		statement += " LC_COLLATE " + literal(locale)
	}
	if locale := planned.text("lcCtype"); locale != "" {
		statement += " LC_CTYPE " + literal(locale)
	}
	if tablespace := planned.text("tablespaceName"); tablespace != "" {
		statement += " TABLESPACE " + ident(tablespace)
	}
	return statement +
		" ALLOW_CONNECTIONS " + strconv.FormatBool(planned.flag("allowConnections")) +
		" CONNECTION LIMIT " + strconv.Itoa(planned.number("connectionLimit")) +
		" IS_TEMPLATE " + strconv.FormatBool(planned.flag("isTemplate"))
}

func readDatabase(ctx context.Context, srv *server, id string, known values) (found values, name string, err error) {
	name = nameOf(id, known)
	err = srv.read(ctx, "", func(conn *pgx.Conn) error {
		var owner, encoding, collation, characters, tablespace string
		var limit int
		var allow, template bool
		err := conn.QueryRow(ctx, `
			SELECT pg_catalog.pg_get_userbyid(datdba)::text, pg_catalog.pg_encoding_to_char(encoding)::text,
				datcollate::text, datctype::text, spcname::text, datconnlimit, datallowconn, datistemplate
			FROM pg_catalog.pg_database JOIN pg_catalog.pg_tablespace AS ts ON ts.oid = dattablespace
			WHERE datname = $1`, name).
			Scan(&owner, &encoding, &collation, &characters, &tablespace, &limit, &allow, &template)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNotFound
		}
		if err != nil {
			return explain(err, "cannot read database %q", name)
		}
		if wanted := known.text("encoding"); sameEncoding(wanted, encoding) {
			encoding = wanted
		}
		source := known.text("template")
		if source == "" {
			source = pristine // the server does not keep it
		}
		found = values{}.with("name", property.New(name)).
			with("owner", property.New(owner)).
			with("template", property.New(source)).
			with("encoding", property.New(encoding)).
			with("lcCollate", property.New(collation)).
			with("lcCtype", property.New(characters)).
			with("tablespaceName", property.New(tablespace)).
			with("connectionLimit", integer(limit)).
			with("allowConnections", property.New(allow)).
			with("isTemplate", property.New(template))
		return nil
	})
	return found, name, err
}

// sameEncoding compares names of encodings the way Postgres does: `utf-8` is `UTF8`.
func sameEncoding(a, b string) bool {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	return a != "" && clean(a) == clean(b)
}

// updateDatabase renames last: a step that fails leaves the database under the name that the state has.
func updateDatabase(ctx context.Context, srv *server, from, to values) error {
	name := from.text("name")
	if err := setOwner(ctx, srv, name, from, to); err != nil {
		return err
	}
	return srv.change(ctx, "", func(conn *pgx.Conn) error {
		alter := func(what, change string, changed bool) error {
			if !changed {
				return nil
			}
			if _, err := conn.Exec(ctx, "ALTER DATABASE "+ident(name)+" "+change); err != nil {
				return explain(err, "cannot change %s of database %q", what, name)
			}
			return nil
		}
		for _, step := range []func() error{
			func() error {
				return alter("tablespaceName", "SET TABLESPACE "+ident(to.text("tablespaceName")),
					from.text("tablespaceName") != to.text("tablespaceName"))
			},
			func() error {
				return alter("connectionLimit", "CONNECTION LIMIT "+strconv.Itoa(to.number("connectionLimit")),
					from.number("connectionLimit") != to.number("connectionLimit"))
			},
			func() error {
				return alter("allowConnections", "ALLOW_CONNECTIONS "+strconv.FormatBool(to.flag("allowConnections")),
					from.flag("allowConnections") != to.flag("allowConnections"))
			},
			func() error {
				return alter("isTemplate", "IS_TEMPLATE "+strconv.FormatBool(to.flag("isTemplate")),
					from.flag("isTemplate") != to.flag("isTemplate"))
			},
			func() error {
				return alter("name", "RENAME TO "+ident(to.text("name")), name != to.text("name"))
			},
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
}

// setOwner gives the database, and what is in it if so wanted, to another role.
func setOwner(ctx context.Context, srv *server, name string, from, to values) error {
	owner := to.text("owner")
	if owner == "" || owner == from.text("owner") {
		return nil
	}
	// What is in a database can be given away from inside it only.
	inside := ""
	if to.flag("alterObjectOwnership") {
		inside = name
	}
	return srv.changeTogether(ctx, inside, func(tx pgx.Tx) error {
		var before string
		err := tx.QueryRow(ctx, `SELECT pg_catalog.pg_get_userbyid(datdba)::text
			FROM pg_catalog.pg_database WHERE datname = $1`, name).Scan(&before)
		if err != nil {
			return explain(err, "cannot read the owner of database %q", name)
		}
		return asMemberOf(ctx, tx, []string{before, owner}, func() error {
			if to.flag("alterObjectOwnership") && before != owner {
				if _, err := tx.Exec(ctx, "REASSIGN OWNED BY "+ident(before)+" TO "+ident(owner)); err != nil {
					return explain(err, "cannot give what %q owns in database %q to %q", before, name, owner)
				}
			}
			if _, err := tx.Exec(ctx, "ALTER DATABASE "+ident(name)+" OWNER TO "+ident(owner)); err != nil {
				return explain(err, "cannot change the owner of database %q to %q", name, owner)
			}
			return nil
		})
	})
}

func removeDatabase(ctx context.Context, srv *server, state values) error {
	name := state.text("name")
	return srv.change(ctx, "", func(conn *pgx.Conn) error {
		var owner string
		var template bool
		err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_get_userbyid(datdba)::text, datistemplate
			FROM pg_catalog.pg_database WHERE datname = $1`, name).Scan(&owner, &template)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return explain(err, "cannot read database %q", name)
		}
		return asMemberOf(ctx, conn, []string{owner}, func() error {
			if template {
				if _, err := conn.Exec(ctx, "ALTER DATABASE "+ident(name)+" IS_TEMPLATE false"); err != nil {
					return explain(err, "cannot make database %q no template, as it must be to be deleted", name)
				}
			}
			return dropDatabase(ctx, conn, name)
		})
	})
}

func dropDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	const firstWithForce = 13
	statement := "DROP DATABASE " + ident(name)
	if serverVersion(conn) >= firstWithForce {
		statement += " WITH (FORCE)"
	} else {
		if _, err := conn.Exec(ctx, "ALTER DATABASE "+ident(name)+" ALLOW_CONNECTIONS false"); err != nil {
			return explain(err, "cannot keep connections out of database %q, which is to be deleted", name)
		}
		_, err := conn.Exec(ctx, `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
			WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid()`, name)
		if err != nil {
			return explain(err, "cannot end the connections to database %q, which is to be deleted", name)
		}
	}
	if _, err := conn.Exec(ctx, statement); err != nil {
		return explain(err, "cannot delete database %q", name)
	}
	return nil
}
