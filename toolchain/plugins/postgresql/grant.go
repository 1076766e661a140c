package postgresql

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sort"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	provider "github.com/pulumi/pulumi-go-provider"
)

// Object types of a grant.
const (
	onDatabase  = "database"
	onSchema    = "schema"
	onTable     = "table"
	onSequence  = "sequence"
	onFunction  = "function"
	onProcedure = "procedure"
	onRoutine   = "routine"
	onColumn    = "column"
)

const (
	allPrivileges = "ALL"
	publicRole    = "public" // everybody
	maintain      = "MAINTAIN"
)

// privilegesOf are the privileges that each object type has, besides ALL.
var privilegesOf = map[string][]string{
	onDatabase:  {"CREATE", "CONNECT", "TEMPORARY"},
	onSchema:    {"CREATE", "USAGE"},
	onTable:     {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}, // and MAINTAIN from 17 on
	onSequence:  {"USAGE", "SELECT", "UPDATE"},
	onFunction:  {"EXECUTE"},
	onProcedure: {"EXECUTE"},
	onRoutine:   {"EXECUTE"},
	onColumn:    {"SELECT", "INSERT", "UPDATE", "REFERENCES"},
}

var grantType = &resourceType{
	token:    "postgresql:index/grant:Grant",
	describe: "The privileges of one role on objects of one kind. Those that it does not name are taken from the role.",
	fields: []field{
		{name: "role", kind: text, required: true, immutable: true, identifier: true,
			describe: "The role that gets the privileges; public is everybody."},
		{name: "database", kind: text, required: true, immutable: true, identifier: true, describe: "The database."},
		{name: "schema", kind: text, immutable: true, identifier: true, describe: "The schema, for all but a database."},
		{name: "objectType", kind: text, required: true, immutable: true,
			check: oneOf(onDatabase, onSchema, onTable, onSequence, onFunction, onProcedure, onRoutine, onColumn),
			describe: "database, schema, table, sequence, function, procedure, routine or column. " +
				"foreign_data_wrapper and foreign_server are not supported."},
		{name: "objects", kind: textSet, immutable: true,
			describe: "Which objects, functions with or without their argument types. Default: all there are in the schema."},
		{name: "columns", kind: textSet, immutable: true, identifier: true, describe: "Which columns of the one table."},
		{name: "privileges", kind: textSet, required: true, describe: "The privileges; none takes them all away."},
		{name: "withGrantOption", kind: flag, immutable: true, local: true,
			describe: "Whether the role can grant the privileges on."},
	},
	validate: validateGrant,
	create:   createGrant,
	read:     readGrant,
	update:   updateGrant,
	remove:   removeGrant,
}

// validateGrant checks what the fields say together, as far as it is known.
func validateGrant(inputs values) []provider.CheckFailure {
	var failures []provider.CheckFailure
	fail := func(property, format string, args ...any) {
		failures = append(failures, provider.CheckFailure{Property: property, Reason: fmt.Sprintf(format, args...)})
	}
	if inputs.Get("objectType").HasComputed() {
		return nil
	}
	objectType := inputs.text("objectType")
	for _, privilege := range inputs.texts("privileges") {
		if privilege != allPrivileges && !contains(privilegesOf[objectType], privilege) &&
			(privilege != maintain || objectType != onTable) {
			fail("privileges", "privileges: %s is not one on a %s, which has %s and %s", privilege, objectType,
				strings.Join(privilegesOf[objectType], ", "), allPrivileges)
		}
	}
	count := func(name string) (n int, known bool) {
		value := inputs.Get(name)
		return len(inputs.texts(name)), !value.HasComputed()
	}
	objects, objectsKnown := count("objects")
	columns, columnsKnown := count("columns")
	privileges, privilegesKnown := count("privileges")
	if schema := inputs.Get("schema"); objectType != onDatabase && isZero(schema) {
		fail("schema", "schema is required for a grant on a %s", objectType)
	}
	switch {
	case (objectType == onDatabase || objectType == onSchema) && objects > 0:
		fail("objects", "objects are not for a grant on a %s: leave them out", objectType)
	case objectType == onColumn && objectsKnown && objects != 1:
		fail("objects", "objects must name the one table whose columns are granted, not %d", objects)
	}
	switch {
	case objectType != onColumn && columns > 0:
		fail("columns", `columns are for objectType "column" only: leave them out`)
	case objectType == onColumn && columnsKnown && columns == 0:
		fail("columns", "columns are required for a grant on columns")
	}
	if objectType == onColumn && privilegesKnown && privileges != 1 {
		fail("privileges", "privileges must be exactly one for a grant on columns, not %d", privileges)
	}
	return failures
}

func createGrant(ctx context.Context, srv *server, planned values) (string, error) {
	return grantID(planned), applyGrant(ctx, srv, planned, planned)
}

func updateGrant(ctx context.Context, srv *server, from, to values) error {
	return applyGrant(ctx, srv, from, to)
}

// applyGrant takes away what was granted and grants what is to be, in one transaction, so that nobody sees the role
// without its privileges.
func applyGrant(ctx context.Context, srv *server, from, to values) error {
	return srv.changeTogether(ctx, to.text("database"), func(tx pgx.Tx) error {
		return asGrantor(ctx, tx, to, func() error {
			if err := revoke(ctx, tx, from); err != nil {
				return err
			}
			return grant(ctx, tx, to)
		})
	})
}

func removeGrant(ctx context.Context, srv *server, state values) error {
	return srv.removeIn(ctx, state.text("database"), func(tx pgx.Tx) error {
		// With the role, the schema or the objects, the privileges are gone too.
		if role := state.text("role"); role != publicRole {
			if found, err := roleExists(ctx, tx, role); err != nil || !found {
				return err
			}
		}
		if schema := state.text("schema"); schema != "" && state.text("objectType") != onDatabase {
			if found, err := schemaExists(ctx, tx, schema); err != nil || !found {
				return err
			}
		}
		present, err := presentObjects(ctx, tx, state)
		if err != nil {
			return err
		}
		if len(state.texts("objects")) > 0 && len(present) == 0 {
			return nil
		}
		state = state.with("objects", texts(present))
		return asGrantor(ctx, tx, state, func() error { return revoke(ctx, tx, state) })
	})
}

// grantID is the id that the official plugin gives: role, database, schema and so on, joined by underscores.
func grantID(of values) string {
	objectType := of.text("objectType")
	parts := []string{of.text("role"), of.text("database")}
	if objectType != onDatabase {
		parts = append(parts, of.text("schema"))
	}
	parts = append(parts, objectType)
	parts = append(parts, hashOrder(of.texts("objects"))...)
	parts = append(parts, hashOrder(of.texts("columns"))...)
	return strings.Join(parts, "_")
}

// hashOrder sorts a set the way the official plugin does for ids: by the decimal CRC-32 of its elements, as text.
func hashOrder(set []string) []string {
	key := func(s string) string { return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(s))), 10) }
	sorted := append([]string{}, set...)
	sort.Slice(sorted, func(i, j int) bool { return key(sorted[i]) < key(sorted[j]) })
	return sorted
}

func grant(ctx context.Context, tx pgx.Tx, to values) error {
	privileges := to.texts("privileges")
	if len(privileges) == 0 {
		return nil
	}
	target, err := grantTarget(ctx, tx, to)
	if err != nil {
		return err
	}
	columns := ""
	if to.text("objectType") == onColumn {
		columns = " (" + idents(to.texts("columns")) + ")"
	}
	statement := "GRANT " + strings.Join(privileges, ", ") + columns + " ON " + target + " TO " + grantee(to)
	if to.flag("withGrantOption") {
		statement += " WITH GRANT OPTION"
	}
	if _, err := tx.Exec(ctx, statement); err != nil {
		return explain(err, "cannot grant %s on %s to role %q", strings.Join(privileges, ", "), target, to.text("role"))
	}
	return nil
}

// revoke takes away what from granted. For single objects these are just the privileges that it names: others may be
// another grant's.
func revoke(ctx context.Context, tx pgx.Tx, from values) error {
	privileges, columns := "ALL PRIVILEGES", ""
	named := strings.Join(from.texts("privileges"), ", ")
	switch {
	case from.text("objectType") == onColumn:
		if named == "" || len(from.texts("columns")) == 0 {
			return nil
		}
		privileges, columns = named, " ("+idents(from.texts("columns"))+")"
	case len(from.texts("objects")) > 0 && named != "":
		privileges = named
	}
	target, err := grantTarget(ctx, tx, from)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "REVOKE "+privileges+columns+" ON "+target+" FROM "+grantee(from)); err != nil {
		return explain(err, "cannot revoke %s on %s from role %q", privileges, target, from.text("role"))
	}
	return nil
}

func grantee(of values) string {
	if role := of.text("role"); role != publicRole {
		return ident(role)
	}
	return "PUBLIC"
}

// grantTarget is what follows ON in GRANT and REVOKE.
func grantTarget(ctx context.Context, tx pgx.Tx, of values) (string, error) {
	objectType, schema := of.text("objectType"), of.text("schema")
	switch objectType {
	case onDatabase:
		return "DATABASE " + ident(of.text("database")), nil
	case onSchema:
		return "SCHEMA " + ident(schema), nil
	case onColumn:
		objectType = onTable
	}
	keyword := strings.ToUpper(objectType)
	objects := of.texts("objects")
	if len(objects) == 0 {
		return "ALL " + keyword + "S IN SCHEMA " + ident(schema), nil
	}
	quoted := make([]string, len(objects))
	for i, object := range objects {
		quoted[i] = qualified(schema, object)
		if isRoutine(objectType) && strings.Contains(object, "(") {
			signature, err := resolveRoutine(ctx, tx, schema, object)
			if err != nil {
				return "", err
			}
			quoted[i] = signature
		}
	}
	return keyword + " " + strings.Join(quoted, ", "), nil
}

func isRoutine(objectType string) bool {
	return objectType == onFunction || objectType == onProcedure || objectType == onRoutine
}

// resolveRoutine turns `name(types)` into the quoted signature of the routine that Postgres finds by it. The types are
// never part of a statement as they are.
func resolveRoutine(ctx context.Context, tx pgx.Tx, schema, object string) (string, error) {
	name, types, _ := strings.Cut(object, "(")
	var signature string
	err := tx.QueryRow(ctx, `
		SELECT pg_catalog.format('%I.%I(%s)', nspname, proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
		FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = pronamespace
		WHERE p.oid = pg_catalog.to_regprocedure($1)`, qualified(schema, name)+"("+types).Scan(&signature)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("objects: there is no %q in schema %q. Create it first or mend its name or argument types",
			object, schema)
	}
	if err != nil {
		return "", explain(err, "cannot look for %q, named in objects, in schema %q", object, schema)
	}
	return signature, nil
}

// asGrantor runs fn with the rights of those who own what is granted on.
func asGrantor(ctx context.Context, tx pgx.Tx, of values, fn func() error) error {
	objectType, schema := of.text("objectType"), of.text("schema")
	if objectType == onDatabase {
		return fn()
	}
	owners, err := schemaOwners(ctx, tx, schema, "")
	if err != nil {
		return err
	}
	if objectType != onSchema {
		rows, err := tx.Query(ctx, `
			SELECT DISTINCT pg_catalog.pg_get_userbyid(relowner)::text FROM pg_catalog.pg_class
			JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace WHERE nspname = $1`, schema)
		if err != nil {
			return explain(err, "cannot read the owners of what is in schema %q", schema)
		}
		more, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return explain(err, "cannot read the owners of what is in schema %q", schema)
		}
		for _, owner := range more {
			if !contains(owners, owner) {
				owners = append(owners, owner)
			}
		}
	}
	return asMemberOf(ctx, tx, owners, fn)
}
