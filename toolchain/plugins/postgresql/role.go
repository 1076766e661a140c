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

const noExpiry = "infinity"

var roleType = &resourceType{
	token:    "postgresql:index/role:Role",
	describe: "A role: a user or a group.",
	fields: []field{
		{name: "name", kind: text, required: true, identifier: true, describe: "The role's name."},
		{name: "password", kind: text, secret: true,
			describe: "The password. It reaches the server as a hash only. NULL removes it; leaving it out later does not."},
		{name: "login", kind: flag, describe: "Whether the role can connect."},
		{name: "superuser", kind: flag, describe: "Whether the role passes all permission checks."},
		{name: "createDatabase", kind: flag, describe: "Whether the role can create databases."},
		{name: "createRole", kind: flag, describe: "Whether the role can create roles."},
		{name: "inherit", kind: flag, initial: property.New(true),
			describe: "Whether the role has the privileges of the roles it is a member of."},
		{name: "replication", kind: flag, describe: "Whether the role can replicate."},
		{name: "bypassRowLevelSecurity", kind: flag, describe: "Whether the role passes row level security."},
		{name: "connectionLimit", kind: number, initial: integer(-1), check: atLeast(-1),
			describe: "How many connections the role can have at a time; -1 is no limit."},
		{name: "validUntil", kind: text, initial: property.New(noExpiry),
			describe: "When the password expires, as Postgres writes times; infinity is never."},
		{name: "roles", kind: textSet, identifier: true, describe: "The roles that this role is a member of."},
		{name: "searchPaths", kind: textList, identifier: true, describe: "The role's search_path."},
		{name: "statementTimeout", kind: number, check: atLeast(0), describe: "The role's statement_timeout in ms; 0 is none."},
		{name: "idleInTransactionSessionTimeout", kind: number, check: atLeast(0),
			describe: "The role's idle_in_transaction_session_timeout in ms; 0 is none."},
		{name: "assumeRole", kind: text, identifier: true, describe: "The role to switch to after connecting."},
		{name: "encryptedPassword", kind: flag, initial: property.New(true), check: checkEncrypted,
			describe: "Always true: Postgres stores no other passwords."},
		{name: "skipDropRole", kind: flag, local: true, describe: "Whether deleting the resource leaves the role."},
		{name: "skipReassignOwned", kind: flag, local: true,
			describe: "Whether deleting the resource leaves what the role owns to its owner."},
		{name: "encrypted", kind: text, refused: "it has had no effect for long, leave it out"},
		{name: "passwordWo", kind: text, secret: true, refused: "use password, which is secret in the state"},
		{name: "passwordWoVersion", kind: text, refused: "use password, which is secret in the state"},
	},
	create: createRole,
	read:   readRole,
	update: updateRole,
	remove: removeRole,
}

// roleFlags are the boolean attributes and the keyword that sets each; NO before it unsets it.
var roleFlags = []struct{ name, keyword string }{
	{"superuser", "SUPERUSER"},
	{"createDatabase", "CREATEDB"},
	{"createRole", "CREATEROLE"},
	{"inherit", "INHERIT"},
	{"login", "LOGIN"},
	{"replication", "REPLICATION"},
	{"bypassRowLevelSecurity", "BYPASSRLS"},
}

func checkEncrypted(value property.Value) string {
	if value.IsBool() && !value.AsBool() {
		return "must be true: Postgres no longer stores passwords in plain text"
	}
	return ""
}

func createRole(ctx context.Context, srv *server, planned values) (string, error) {
	name := planned.text("name")
	err := srv.changeTogether(ctx, "", func(tx pgx.Tx) error {
		// Attributes that are at their default are not named: some of them only a superuser may name.
		options := changedOptions(values{}.with("inherit", property.New(true)).with("connectionLimit", integer(-1)).
			with("validUntil", property.New(noExpiry)), planned)
		if _, err := tx.Exec(ctx, "CREATE ROLE "+ident(name)+" "+options); err != nil {
			return explain(err, "cannot create role %q", name)
		}
		if err := setPassword(ctx, tx, planned); err != nil {
			return err
		}
		return setRoleDetails(ctx, tx, values{}, planned)
	})
	return name, err
}

func updateRole(ctx context.Context, srv *server, from, to values) error {
	before, name := from.text("name"), to.text("name")
	return srv.changeTogether(ctx, "", func(tx pgx.Tx) error {
		if before != name {
			if _, err := tx.Exec(ctx, "ALTER ROLE "+ident(before)+" RENAME TO "+ident(name)); err != nil {
				return explain(err, "cannot rename role %q to %q", before, name)
			}
		}
		if options := changedOptions(from, to); options != "" {
			if _, err := tx.Exec(ctx, "ALTER ROLE "+ident(name)+" "+options); err != nil {
				return explain(err, "cannot change role %q", name)
			}
		}
		// An MD5 hash has the name in it, so a rename clears it.
		if before != name || from.text("password") != to.text("password") {
			if err := setPassword(ctx, tx, to); err != nil {
				return err
			}
		}
		return setRoleDetails(ctx, tx, from, to)
	})
}

// changedOptions are the options of CREATE or ALTER ROLE for what differs, without the password.
func changedOptions(from, to values) string {
	var options []string
	for _, attribute := range roleFlags {
		if wanted := to.flag(attribute.name); wanted != from.flag(attribute.name) {
			keyword := attribute.keyword
			if !wanted {
				keyword = "NO" + keyword
			}
			options = append(options, keyword)
		}
	}
	if limit := to.number("connectionLimit"); limit != from.number("connectionLimit") {
		options = append(options, "CONNECTION LIMIT "+strconv.Itoa(limit))
	}
	if until := to.text("validUntil"); until != from.text("validUntil") && until != "" {
		options = append(options, "VALID UNTIL "+literal(until))
	}
	return strings.Join(options, " ")
}

func setPassword(ctx context.Context, tx pgx.Tx, planned values) error {
	name, password := planned.text("name"), planned.text("password")
	if password == "" {
		return nil
	}
	stored := "NULL"
	if !strings.EqualFold(password, "NULL") {
		hash, err := hashPassword(ctx, tx, name, password)
		if err != nil {
			return err
		}
		stored = literal(hash)
	}
	if _, err := tx.Exec(ctx, "ALTER ROLE "+ident(name)+" PASSWORD "+stored); err != nil {
		return explain(err, "cannot set the password of role %q", name)
	}
	return nil
}

// setRoleDetails brings about what CREATE and ALTER ROLE have no options for.
func setRoleDetails(ctx context.Context, tx pgx.Tx, from, to values) error {
	name := to.text("name")
	if err := setMemberships(ctx, tx, name, to.texts("roles")); err != nil {
		return err
	}
	changed := func(field string) bool { return from.number(field) != to.number(field) }
	milliseconds := func(field string) string {
		if n := to.number(field); n != 0 {
			return strconv.Itoa(n)
		}
		return ""
	}
	assumed := ""
	if role := to.text("assumeRole"); role != "" {
		assumed = ident(role)
	}
	for _, parameter := range []struct {
		name, value string
		changed     bool
	}{
		{"search_path", idents(to.texts("searchPaths")), !equal(from.texts("searchPaths"), to.texts("searchPaths"))},
		{"statement_timeout", milliseconds("statementTimeout"), changed("statementTimeout")},
		{"idle_in_transaction_session_timeout", milliseconds("idleInTransactionSessionTimeout"),
			changed("idleInTransactionSessionTimeout")},
		{"role", assumed, from.text("assumeRole") != to.text("assumeRole")},
	} {
		if !parameter.changed {
			continue
		}
		if err := setParameter(ctx, tx, name, parameter.name, parameter.value); err != nil {
			return err
		}
	}
	return nil
}

// setParameter sets what a parameter is to be in the role's sessions; "" is the server's own default.
func setParameter(ctx context.Context, tx pgx.Tx, role, parameter, value string) error {
	statement := "ALTER ROLE " + ident(role) + " SET " + parameter + " TO " + value
	if value == "" {
		statement = "ALTER ROLE " + ident(role) + " RESET " + parameter
	}
	if _, err := tx.Exec(ctx, statement); err != nil {
		return explain(err, "cannot set %s of role %q", parameter, role)
	}
	return nil
}

// setMemberships makes name a member of just those roles.
func setMemberships(ctx context.Context, tx pgx.Tx, name string, wanted []string) error {
	actual, err := memberships(ctx, tx, name)
	if err != nil {
		return err
	}
	for _, role := range actual {
		if contains(wanted, role) {
			continue
		}
		if _, err := tx.Exec(ctx, "REVOKE "+ident(role)+" FROM "+ident(name)); err != nil {
			return explain(err, "cannot end the membership of role %q in %q", name, role)
		}
	}
	for _, role := range wanted {
		if contains(actual, role) {
			continue
		}
		if _, err := tx.Exec(ctx, "GRANT "+ident(role)+" TO "+ident(name)); err != nil {
			return explain(err, "cannot make role %q a member of %q", name, role)
		}
	}
	return nil
}

func memberships(ctx context.Context, q querier, name string) ([]string, error) {
	rows, err := q.Query(ctx, `
		SELECT DISTINCT granted.rolname::text COLLATE "C"
		FROM pg_catalog.pg_auth_members AS membership
		JOIN pg_catalog.pg_roles AS member ON member.oid = membership.member
		JOIN pg_catalog.pg_roles AS granted ON granted.oid = membership.roleid
		WHERE member.rolname = $1 ORDER BY 1`, name)
	if err != nil {
		return nil, explain(err, "cannot read the memberships of role %q", name)
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, explain(err, "cannot read the memberships of role %q", name)
	}
	return roles, nil
}

func readRole(ctx context.Context, srv *server, id string, known values) (found values, name string, err error) {
	name = nameOf(id, known)
	err = srv.read(ctx, "", func(conn *pgx.Conn) error {
		var flags [7]bool
		var limit int
		var until string
		var sameUntil bool
		var settings []string
		row := conn.QueryRow(ctx, `
			SELECT rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolcanlogin, rolreplication, rolbypassrls,
				rolconnlimit, coalesce(rolvaliduntil::text, $2), coalesce(rolconfig, '{}')
			FROM pg_catalog.pg_roles WHERE rolname = $1`, name, noExpiry)
		err := row.Scan(&flags[0], &flags[1], &flags[2], &flags[3], &flags[4], &flags[5], &flags[6], &limit, &until, &settings)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNotFound
		}
		if err != nil {
			return explain(err, "cannot read role %q", name)
		}
		// A time can be written in many ways. The one in the program stays if it means the same.
		if wanted := known.text("validUntil"); wanted != "" && wanted != until {
			err := conn.QueryRow(ctx, "SELECT $1::timestamptz = $2::timestamptz", wanted, until).Scan(&sameUntil)
			if err == nil && sameUntil {
				until = wanted
			}
		}
		roles, err := memberships(ctx, conn, name)
		if err != nil {
			return err
		}
		password, err := readPassword(ctx, conn, srv.config, name, known)
		if err != nil {
			return err
		}

		found = values{}.with("name", property.New(name)).
			with("connectionLimit", integer(limit)).
			with("validUntil", property.New(until)).
			with("roles", texts(roles)).
			with("password", password).
			with("encryptedPassword", property.New(true))
		for i, attribute := range roleFlags {
			found = found.with(attribute.name, property.New(flags[i]))
		}
		found, err = readSettings(found, settings)
		if err != nil {
			return fmt.Errorf("cannot read role %q: %w", name, err)
		}
		return nil
	})
	return found, name, err
}

// readSettings fills in what the role's `name=value` settings hold.
func readSettings(found values, settings []string) (values, error) {
	parameters := map[string]string{}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		parameters[name] = value
	}
	for field, parameter := range map[string]string{
		"statementTimeout":                "statement_timeout",
		"idleInTransactionSessionTimeout": "idle_in_transaction_session_timeout",
	} {
		ms, err := parseMilliseconds(parameters[parameter])
		if err != nil {
			return found, fmt.Errorf("%s: %w", parameter, err)
		}
		found = found.with(field, integer(ms))
	}
	return found.
		with("assumeRole", property.New(parameters["role"])).
		with("searchPaths", texts(parseIdentifiers(parameters["search_path"]))), nil
}

// parseMilliseconds reads a setting of time, which may have a unit when it was set by hand.
func parseMilliseconds(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz ")
	n, err := strconv.Atoi(digits)
	factor, ok := map[string]int{
		"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
	}[strings.TrimSpace(s[len(digits):])]
	if err != nil || !ok {
		return 0, fmt.Errorf("%q is not a time in ms, s, min, h or d", s)
	}
	return n * factor, nil
}

// parseIdentifiers splits a comma separated list of names, quoted where need be, as in search_path.
func parseIdentifiers(s string) []string {
	var names []string
	var name strings.Builder
	quoted, any := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			name.WriteByte('"')
			i++
		case c == '"':
			quoted, any = !quoted, true
		case c == ',' && !quoted:
			names = append(names, name.String())
			name.Reset()
			any = false
		case c == ' ' && !quoted:
		default:
			name.WriteByte(c)
			any = true
		}
	}
	if any || len(names) > 0 {
		names = append(names, name.String())
	}
	return names
}

func removeRole(ctx context.Context, srv *server, state values) error {
	name := state.text("name")
	return srv.changeTogether(ctx, "", func(tx pgx.Tx) error {
		exists, err := roleExists(ctx, tx, name)
		if err != nil || !exists {
			return err
		}
		if !state.flag("skipReassignOwned") {
			heir, err := srv.user(ctx, tx)
			if err != nil {
				return err
			}
			err = asMemberOf(ctx, tx, []string{name}, func() error {
				if _, err := tx.Exec(ctx, "REASSIGN OWNED BY "+ident(name)+" TO "+ident(heir)); err != nil {
					return explain(err, "cannot give what role %q owns to %q", name, heir)
				}
				if _, err := tx.Exec(ctx, "DROP OWNED BY "+ident(name)); err != nil {
					return explain(err, "cannot take the privileges of role %q", name)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if state.flag("skipDropRole") {
			return nil
		}
		if _, err := tx.Exec(ctx, "DROP ROLE "+ident(name)); err != nil {
			return explain(err, "cannot delete role %q", name)
		}
		return nil
	})
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
