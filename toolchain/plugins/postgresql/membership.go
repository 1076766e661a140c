package postgresql

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// asMemberOf runs fn while the current role is a member of the roles, as it must be to change what they own. A
// superuser need not be. Memberships that were not there before are ended again.
func asMemberOf(ctx context.Context, q querier, roles []string, fn func() error) (err error) {
	var superuser bool
	var current string
	var version int
	err = q.QueryRow(ctx, `
		SELECT rolsuper, rolname::text, current_setting('server_version_num')::int
		FROM pg_catalog.pg_roles WHERE rolname = current_user`).Scan(&superuser, &current, &version)
	if err != nil {
		return explain(err, "cannot read the attributes of the current role")
	}
	if superuser {
		return fn()
	}
	// From Postgres 16 on, who creates a role is a member of it that does not inherit from it.
	enough := "MEMBER"
	if version >= 160000 {
		enough = "USAGE"
	}
	for _, role := range roles {
		if role == current {
			continue
		}
		member, readErr := isMember(ctx, q, role, enough)
		if readErr != nil {
			return readErr
		}
		if member {
			continue
		}
		if _, grantErr := q.Exec(ctx, "GRANT "+ident(role)+" TO "+ident(current)); grantErr != nil {
			return explain(grantErr, "cannot act for role %q: %q is no member of it and cannot become one", role, current)
		}
		defer func() {
			if err != nil {
				// Inside a transaction it is undone with the rest; outside of one it must be tried.
				_, _ = q.Exec(context.WithoutCancel(ctx), "REVOKE "+ident(role)+" FROM "+ident(current))
				return
			}
			stillThere, existsErr := roleExists(ctx, q, role)
			if existsErr != nil || !stillThere {
				err = existsErr
				return
			}
			if _, revokeErr := q.Exec(ctx, "REVOKE "+ident(role)+" FROM "+ident(current)); revokeErr != nil {
				err = explain(revokeErr, "cannot end the passing membership of %q in %q", current, role)
			}
		}()
	}
	return fn()
}

// isMember says whether the current role has that kind of membership in the role. In a missing role it has: that it is
// missing is better reported by the statement that needs it.
func isMember(ctx context.Context, q querier, role, membership string) (bool, error) {
	var member bool
	err := q.QueryRow(ctx, `
		SELECT pg_catalog.pg_has_role(current_user, oid, $2) FROM pg_catalog.pg_roles WHERE rolname = $1`,
		role, membership).Scan(&member)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, explain(err, "cannot find out the memberships in role %q", role)
	}
	return member, nil
}
