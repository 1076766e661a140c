package postgresql

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rewind.dev/toolchain/plugins/plugintest"
)

const grantToken = "postgresql:index/grant:Grant"

// scene is a database with a role and things to grant on, all with names that need quoting.
type scene struct{ database, schema, role string }

func setScene(t *testing.T) scene {
	t.Helper()
	needCluster(t)
	s := scene{unique(t, "db"), unique(t, "schema"), unique(t, "role")}
	sql(t, "postgres", "CREATE DATABASE "+ident(s.database))
	sql(t, "postgres", "CREATE ROLE "+ident(s.role))
	q := func(name string) string { return qualified(s.schema, name) }
	sql(t, s.database, "CREATE SCHEMA "+ident(s.schema)+
		"; CREATE TABLE "+q("T 1")+` (a int, "b b" int); CREATE TABLE `+q("t2")+" (a int); CREATE TABLE "+q("t3")+" (a int)"+
		"; CREATE SEQUENCE "+q("q")+
		"; CREATE FUNCTION "+q("f f")+"(int) RETURNS int LANGUAGE sql AS 'SELECT 1'"+
		"; CREATE FUNCTION "+q("f f")+"(text) RETURNS int LANGUAGE sql AS 'SELECT 1'"+
		"; CREATE PROCEDURE "+q("p")+"() LANGUAGE sql AS 'SELECT 1'")
	return s
}

func (s scene) on(objectType string, more props) props {
	inputs := props{"role": s.role, "database": s.database, "schema": s.schema, "objectType": objectType}
	if objectType == onDatabase {
		delete(inputs, "schema")
	}
	for name, value := range more {
		inputs[name] = value
	}
	return inputs
}

func TestAGrantOnEachKindOfObjectIsMadeReadAndRevoked(t *testing.T) {
	s := setScene(t)
	plugin := start(t)
	table := func(privilege string) string {
		return "SELECT bool_and(has_table_privilege($1, oid, '" + privilege + "')) FROM pg_class WHERE relkind = 'r' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2)"
	}
	for name, test := range map[string]struct {
		inputs props
		id     string
		holds  string // a query that says whether the grant is in force, with the role as $1 and the schema as $2
	}{
		"database": {s.on(onDatabase, props{"privileges": list("CREATE", "TEMPORARY")}), s.role + "_" + s.database + "_database",
			"SELECT has_database_privilege($1, current_database(), 'CREATE') AND $2 <> ''"},
		"schema": {s.on(onSchema, props{"privileges": list("USAGE"), "withGrantOption": true}), s.role + "_" + s.database + "_" + s.schema + "_schema",
			"SELECT has_schema_privilege($1, $2, 'USAGE WITH GRANT OPTION')"},
		"all tables":        {s.on(onTable, props{"privileges": list("SELECT", "INSERT")}), s.role + "_" + s.database + "_" + s.schema + "_table", table("INSERT")},
		"ALL on all tables": {s.on(onTable, props{"privileges": list("ALL")}), s.role + "_" + s.database + "_" + s.schema + "_table", table("TRUNCATE")},
		// The order of the objects is the official plugin's: by the decimal CRC-32.
		"tables": {s.on(onTable, props{"privileges": list("DELETE"), "objects": list("t3", "T 1", "t2")}), s.role + "_" + s.database + "_" + s.schema + "_table_T 1_t3_t2", table("DELETE")},
		"all sequences": {s.on(onSequence, props{"privileges": list("USAGE")}), s.role + "_" + s.database + "_" + s.schema + "_sequence",
			"SELECT bool_and(has_sequence_privilege($1, oid, 'USAGE')) FROM pg_class WHERE relkind = 'S' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2)"},
		"one function": {s.on(onFunction, props{"privileges": list("EXECUTE"), "objects": list("f f(int)")}), s.role + "_" + s.database + "_" + s.schema + "_function_f f(int)",
			"SELECT count(*) = 1 FROM pg_proc, aclexplode(proacl) WHERE grantee = $1::text::regrole AND pronamespace = $2::text::regnamespace"},
		"functions by name": {s.on(onRoutine, props{"privileges": list("EXECUTE"), "objects": list("p", "f f(text)")}), "",
			"SELECT count(*) = 2 FROM pg_proc, aclexplode(proacl) WHERE grantee = $1::text::regrole AND pronamespace = $2::text::regnamespace"},
		"all procedures": {s.on(onProcedure, props{"privileges": list("EXECUTE")}), "",
			"SELECT count(*) = 1 FROM pg_proc, aclexplode(proacl) WHERE grantee = $1::text::regrole AND pronamespace = $2::text::regnamespace"},
		"columns": {s.on(onColumn, props{"privileges": list("UPDATE"), "objects": list("T 1"), "columns": list("b b", "a")}), s.role + "_" + s.database + "_" + s.schema + "_column_T 1_b b_a",
			"SELECT count(*) = 2 FROM pg_attribute, aclexplode(attacl) WHERE grantee = (SELECT oid FROM pg_roles WHERE rolname = $1) AND $2 <> ''"},
	} {
		t.Run(name, func(t *testing.T) {
			role, schema := s.role, s.schema
			if strings.Contains(test.holds, "regrole") {
				role, schema = ident(role), ident(schema)
			}
			grant := plugin.Resource(grantToken, "g")
			grant.MustCreate(t, test.inputs)
			if test.id != "" {
				expect(t, "id", grant.ID, test.id)
			}
			expect(t, "in force", ask(t, s.database, test.holds, role, schema), "true")
			expectSilent(t, grant)
			grant.MustDelete(t)
			expect(t, "in force after delete", ask(t, s.database, test.holds, role, schema), "false")
		})
	}
}

func TestAGrantTakesAwayWhatItNoLongerNames(t *testing.T) {
	s := setScene(t)
	grant := start(t).Resource(grantToken, "g")
	grant.MustCreate(t, s.on(onTable, props{"privileges": list("SELECT", "INSERT")}))
	less := s.on(onTable, props{"privileges": list("SELECT")})
	expect(t, "diff", changedBy(grant.Diff(t, less)), []string{"privileges"})
	grant.MustUpdate(t, less)
	held := "SELECT string_agg(DISTINCT privilege_type, ' ') FROM pg_class, aclexplode(relacl) WHERE grantee = $1::text::regrole"
	expect(t, "privileges", ask(t, s.database, held, ident(s.role)), "SELECT")
	expectSilent(t, grant)
	grant.MustUpdate(t, s.on(onTable, props{"privileges": list()}))
	expect(t, "privileges", ask(t, s.database, held, ident(s.role)), "")
	expectSilent(t, grant)
}

func TestTheOrderInAGrantIsNoDifferenceAndItsPlaceReplacesIt(t *testing.T) {
	s := setScene(t)
	grant := start(t).Resource(grantToken, "g")
	grant.MustCreate(t, s.on(onTable, props{"privileges": list("SELECT", "INSERT"), "objects": list("t3", "t2")}))
	expect(t, "order", changedBy(grant.Diff(t, s.on(onTable, props{"privileges": list("INSERT", "SELECT"), "objects": list("t2", "t3")}))), []string(nil))
	changes := props{"role": "public", "database": "postgres", "schema": "public", "objects": list("t2"), "withGrantOption": true}
	for property, value := range changes {
		diff := grant.Diff(t, s.on(onTable, props{"privileges": list("SELECT", "INSERT"), "objects": list("t3", "t2"), property: value}))
		expect(t, "diff of "+property, changedBy(diff), []string{property + "!"})
		if !diff.GetDeleteBeforeReplace() {
			t.Errorf("deleting the old grant after the new one would revoke it: %s", property)
		}
	}
}

func TestDriftOfAGrantShowsAndIsPutRight(t *testing.T) {
	s := setScene(t)
	plugin := start(t)
	tables := plugin.Resource(grantToken, "tables")
	inputs := s.on(onTable, props{"privileges": list("SELECT", "INSERT")})
	tables.MustCreate(t, inputs)
	sql(t, s.database, "REVOKE INSERT ON "+qualified(s.schema, "t2")+" FROM "+ident(s.role))
	tables.Refresh(t)
	expect(t, "drift", changedBy(tables.Drift(t)), []string{"privileges"})
	tables.MustUpdate(t, inputs)
	expectSilent(t, tables)
	sql(t, s.database, "CREATE TABLE "+qualified(s.schema, "later")+" (i int)")
	tables.Refresh(t)
	expect(t, "drift by a new table", changedBy(tables.Drift(t)), []string{"privileges"})

	columns := plugin.Resource(grantToken, "columns")
	columns.MustCreate(t, s.on(onColumn, props{"privileges": list("UPDATE"), "objects": list("T 1"), "columns": list("a", "b b")}))
	sql(t, s.database, "REVOKE UPDATE (a) ON "+qualified(s.schema, "T 1")+" FROM "+ident(s.role))
	columns.Refresh(t)
	expect(t, "drift of columns", changedBy(columns.Drift(t)), []string{"columns!"})
}

func TestAGrantIsGoneWithItsRoleSchemaOrDatabase(t *testing.T) {
	plugin := start(t)
	for name, remove := range map[string]func(t *testing.T, s scene){
		"role": func(t *testing.T, s scene) {
			sql(t, s.database, "DROP OWNED BY "+ident(s.role)+"; DROP ROLE "+ident(s.role))
		},
		"schema":   func(t *testing.T, s scene) { sql(t, s.database, "DROP SCHEMA "+ident(s.schema)+" CASCADE") },
		"database": func(t *testing.T, s scene) { sql(t, "postgres", "DROP DATABASE "+ident(s.database)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := setScene(t)
			grant := plugin.Resource(grantToken, "g")
			grant.MustCreate(t, s.on(onTable, props{"privileges": list("SELECT"), "objects": list("t2")}))
			remove(t, s)
			if grant.Refresh(t) {
				t.Error("the grant is not gone")
			}
			grant.MustDelete(t)
		})
	}
	t.Run("its objects", func(t *testing.T) {
		s := setScene(t)
		grant := plugin.Resource(grantToken, "g")
		grant.MustCreate(t, s.on(onTable, props{"privileges": list("SELECT"), "objects": list("t2", "t3")}))
		sql(t, s.database, "DROP TABLE "+qualified(s.schema, "t2"))
		grant.MustDelete(t)
	})
}

func TestGrantsToEverybody(t *testing.T) {
	s := setScene(t)
	grant := start(t).Resource(grantToken, "g")
	grant.MustCreate(t, s.on(onSchema, props{"role": "public", "privileges": list("USAGE")}))
	expectSilent(t, grant)
	expect(t, "in force", ask(t, s.database, "SELECT has_schema_privilege($1, $2, 'USAGE')", s.role, s.schema), "true")
	grant.MustDelete(t)
}

func TestManyGrantsAtOnceDoNotCollide(t *testing.T) {
	s := setScene(t)
	plugins := []*plugintest.Plugin{start(t), start(t)} // two providers for one server
	const grants = 16
	var pending sync.WaitGroup
	failures := make(chan error, grants)
	for i := range grants {
		role := unique(t, fmt.Sprintf("r%d", i))
		sql(t, "postgres", "CREATE ROLE "+ident(role))
		pending.Go(func() {
			resource := plugins[i%len(plugins)].Resource(grantToken, fmt.Sprintf("g%d", i))
			if err := resource.Create(t, s.on(onDatabase, props{"role": role, "privileges": list("CONNECT")})); err != nil {
				failures <- err
			}
		})
	}
	pending.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
}

func TestWhatAGrantSaysTogetherIsChecked(t *testing.T) {
	plugin := start(t)
	s := scene{"d", "s", "r"}
	for name, test := range map[string]struct {
		inputs   props
		property string
	}{
		"no schema":                     {props{"role": "r", "database": "d", "objectType": "table", "privileges": list("SELECT")}, "schema"},
		"objects of a schema":           {s.on(onSchema, props{"privileges": list("USAGE"), "objects": list("x")}), "objects"},
		"a privilege of something else": {s.on(onTable, props{"privileges": list("EXECUTE")}), "privileges"},
		"a privilege with SQL in it":    {s.on(onTable, props{"privileges": list("SELECT ON x TO y; DROP TABLE z; --")}), "privileges"},
		"columns of a table":            {s.on(onTable, props{"privileges": list("SELECT"), "columns": list("a")}), "columns"},
		"columns without columns":       {s.on(onColumn, props{"privileges": list("SELECT"), "objects": list("x")}), "columns"},
		"columns of two tables":         {s.on(onColumn, props{"privileges": list("SELECT"), "objects": list("x", "y"), "columns": list("a")}), "objects"},
		"two privileges on columns":     {s.on(onColumn, props{"privileges": list("SELECT", "UPDATE"), "objects": list("x"), "columns": list("a")}), "privileges"},
		"no privileges":                 {props{"role": "r", "database": "d", "objectType": "database"}, "privileges"},
		"an object type of none":        {s.on("cupboard", props{"privileges": list("SELECT")}), "objectType"},
		"a foreign server":              {s.on("foreign_server", props{"privileges": list("USAGE"), "objects": list("x")}), "objectType"},
	} {
		t.Run(name, func(t *testing.T) {
			_, failures := plugin.Resource(grantToken, "g").Check(t, test.inputs)
			if !strings.Contains(failures[test.property], test.property) {
				t.Errorf("%s is not refused: %v", test.property, failures)
			}
		})
	}
	_, failures := plugin.Resource(grantToken, "g").Check(t, props{
		"role": plugintest.Unknown(), "database": plugintest.Unknown(), "schema": plugintest.Unknown(), "objectType": "table",
		"privileges": plugintest.Unknown(), "objects": plugintest.Unknown(),
	})
	expect(t, "failures of what is not known yet", failures, map[string]string{})
}

func TestAFunctionSignatureIsNoWayIntoTheStatement(t *testing.T) {
	s := setScene(t)
	grant := start(t).Resource(grantToken, "g")
	object := "f f(int) TO PUBLIC; DROP TABLE " + qualified(s.schema, "t2") + "; --"
	if err := grant.Create(t, s.on(onFunction, props{"privileges": list("EXECUTE"), "objects": list(object)})); err == nil {
		t.Error("it is accepted")
	}
	expect(t, "tables", ask(t, s.database, "SELECT count(*) FROM pg_class WHERE relname = 't2'"), "1")
	expectError(t, grant.Create(t, s.on(onFunction, props{"privileges": list("EXECUTE"), "objects": list("f f(date)")})), "objects", "f f(date)")
}

func TestAGrantCannotBeImported(t *testing.T) {
	_, err := start(t).Resource(grantToken, "g").Import(t, "r_d_s_table")
	expectError(t, err, "r_d_s_table", "Declare it")
}
