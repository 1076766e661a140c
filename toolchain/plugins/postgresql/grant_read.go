package postgresql

import (
	"context"
	"fmt"
	"sort"

	"github.com/jackc/pgx/v5"
)

// objectPrivileges are the privileges of the grantee on one object.
type objectPrivileges struct {
	Object     string
	Privileges []string
}

// readGrant compares what is granted with what is known to have been. The first object that differs gives its
// privileges to the whole: that is a difference which the next update mends.
func readGrant(ctx context.Context, srv *server, id string, known values) (found values, newID string, err error) {
	if known.Len() == 0 {
		return found, "", fmt.Errorf("a Grant cannot be imported by its id %q. Declare it: creating it takes over what "+
			"is granted already", id)
	}
	err = srv.readIn(ctx, known.text("database"), func(conn *pgx.Conn) error {
		if gone, err := grantIsGone(ctx, conn, known); err != nil || gone {
			if err == nil {
				err = errNotFound
			}
			return err
		}
		found, err = compareGrant(ctx, conn, known)
		if err != nil {
			err = explain(err, "cannot read the privileges of role %q in database %q", known.text("role"), known.text("database"))
		}
		return err
	})
	return found, grantID(known), err
}

// grantIsGone says whether the role or the schema does not exist any more, and the privileges with it.
func grantIsGone(ctx context.Context, q querier, known values) (bool, error) {
	if role := known.text("role"); role != publicRole {
		if found, err := roleExists(ctx, q, role); err != nil || !found {
			return true, err
		}
	}
	if known.text("objectType") == onDatabase {
		return false, nil
	}
	found, err := schemaExists(ctx, q, known.text("schema"))
	return !found, err
}

func compareGrant(ctx context.Context, conn *pgx.Conn, known values) (values, error) {
	wanted := known.texts("privileges")
	found := values{}.with("privileges", known.Get("privileges"))
	if known.text("objectType") == onColumn {
		granted, err := grantedColumns(ctx, conn, known)
		if err != nil {
			return found, err
		}
		var still []string
		for _, column := range known.texts("columns") {
			if contains(granted, column) {
				still = append(still, column)
			}
		}
		return found.with("columns", texts(still)), nil
	}
	objects, err := granted(ctx, conn, known)
	if err != nil {
		return found, err
	}
	for _, object := range objects {
		if !grantsAll(known.text("objectType"), serverVersion(conn), wanted, object.Privileges) {
			return found.with("privileges", texts(object.Privileges)), nil
		}
	}
	return found, nil
}

// grantsAll says whether the privileges are those wanted, which ALL may stand for.
func grantsAll(objectType string, version int, wanted, privileges []string) bool {
	if contains(wanted, allPrivileges) {
		const firstWithMaintain = 17
		wanted = append([]string{}, privilegesOf[objectType]...)
		if objectType == onTable && version >= firstWithMaintain {
			wanted = append(wanted, maintain)
		}
	}
	sort.Strings(wanted)
	sort.Strings(privileges)
	return equal(wanted, privileges)
}

// The grantee's oid; 0 is everybody. $1 is the role.
const granteeOID = `coalesce((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1), 0)`

// granted are the privileges of the role on each object that the grant is about.
func granted(ctx context.Context, conn *pgx.Conn, known values) ([]objectPrivileges, error) {
	role, schema := known.text("role"), known.text("schema")
	switch objectType := known.text("objectType"); {
	case objectType == onDatabase:
		return collectGranted(conn.Query(ctx, grantedOn("pg_catalog.pg_database", "datname", "datacl", "datname = $2"),
			role, known.text("database")))
	case objectType == onSchema:
		return collectGranted(conn.Query(ctx, grantedOn("pg_catalog.pg_namespace", "nspname", "nspacl", "nspname = $2"),
			role, schema))
	case isRoutine(objectType):
		return collectGranted(conn.Query(ctx, grantedOn("pg_catalog.pg_proc", "proname", "proacl", `
			pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)
			AND ($4 = 'routine' OR (prokind = 'p') = ($4 = 'procedure'))
			AND (pg_catalog.cardinality($3::text[]) = 0 OR proname = ANY ($3) OR object.oid = ANY (
				SELECT pg_catalog.to_regprocedure(pg_catalog.quote_ident($2) || '.' ||
					pg_catalog.quote_ident(pg_catalog.split_part(listed, '(', 1)) || pg_catalog.substr(listed, pg_catalog.strpos(listed, '(')))
				FROM pg_catalog.unnest($3) AS listed WHERE pg_catalog.strpos(listed, '(') > 0))`),
			role, schema, nonNil(known.texts("objects")), objectType))
	default:
		relation := map[string]string{onTable: "r", onSequence: "S"}[objectType]
		return collectGranted(conn.Query(ctx, grantedOn("pg_catalog.pg_class", "relname", "relacl", `
			relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)
			AND (pg_catalog.cardinality($3::text[]) = 0 OR relname = ANY ($3)) AND relkind::text = $4`),
			role, schema, nonNil(known.texts("objects")), relation))
	}
}

// grantedOn is a query for the names of objects in a catalogue and the grantee's privileges on each.
func grantedOn(catalogue, name, acl, condition string) string {
	return `SELECT ` + name + `::text COLLATE "C", ARRAY(
			SELECT DISTINCT privilege_type::text FROM pg_catalog.aclexplode(` + acl + `) WHERE grantee = ` + granteeOID + `)
		FROM ` + catalogue + ` AS object WHERE ` + condition + ` ORDER BY 1, object.oid`
}

func collectGranted(rows pgx.Rows, err error) ([]objectPrivileges, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[objectPrivileges])
}

// grantedColumns are the columns of the table on which the role has the one privilege.
func grantedColumns(ctx context.Context, conn *pgx.Conn, known values) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT attname::text FROM pg_catalog.pg_attribute
		JOIN pg_catalog.pg_class AS c ON c.oid = attrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
		WHERE nspname = $2 AND relname = ANY ($3) AND NOT attisdropped AND ARRAY(
			SELECT privilege_type::text FROM pg_catalog.aclexplode(attacl) WHERE grantee = `+granteeOID+`) @> $4`,
		known.text("role"), known.text("schema"), nonNil(known.texts("objects")),
		columnPrivileges(known.texts("privileges")))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func columnPrivileges(wanted []string) []string {
	if contains(wanted, allPrivileges) {
		return privilegesOf[onColumn]
	}
	return nonNil(wanted)
}

// presentObjects are those of the grant's objects that still exist.
func presentObjects(ctx context.Context, q querier, state values) ([]string, error) {
	listed := state.texts("objects")
	if len(listed) == 0 {
		return nil, nil
	}
	rows, err := q.Query(ctx, `
		SELECT listed FROM pg_catalog.unnest($2::text[]) AS listed
		WHERE EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = listed
				AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND NOT $3)
			OR $3 AND EXISTS (SELECT FROM pg_catalog.pg_proc WHERE proname = pg_catalog.split_part(listed, '(', 1)
				AND pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
				AND (pg_catalog.strpos(listed, '(') = 0 OR oid = pg_catalog.to_regprocedure(
					pg_catalog.quote_ident($1) || '.' || pg_catalog.quote_ident(proname::text) ||
					pg_catalog.substr(listed, pg_catalog.strpos(listed, '(')))))`,
		state.text("schema"), listed, isRoutine(state.text("objectType")))
	if err != nil {
		return nil, explain(err, "cannot look for the objects of the grant")
	}
	present, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, explain(err, "cannot look for the objects of the grant")
	}
	return present, nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
