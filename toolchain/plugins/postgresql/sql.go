package postgresql

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ident quotes a name for a statement.
func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

// qualified quotes a name and the schema that it is in.
func qualified(schema, name string) string { return pgx.Identifier{schema, name}.Sanitize() }

// idents quotes a list of names for a statement.
func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}

// literal quotes a string for a statement that takes no parameters.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		// The escape form means the same whatever standard_conforming_strings is.
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// exists says whether the query returns a row.
func exists(ctx context.Context, q querier, sql string, args ...any) (bool, error) {
	var one int
	err := q.QueryRow(ctx, sql, args...).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func roleExists(ctx context.Context, q querier, name string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", name)
}

func databaseExists(ctx context.Context, q querier, name string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", name)
}

func schemaExists(ctx context.Context, q querier, name string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", name)
}
