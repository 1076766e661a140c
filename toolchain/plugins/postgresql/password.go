package postgresql

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what Postgres calls md5 authentication
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/xdg-go/stringprep"
)

const (
	scramPrefix     = "SCRAM-SHA-256$"
	md5Prefix       = "md5"
	md5Length       = len(md5Prefix) + 2*md5.Size
	scramIterations = 4096 // Postgres's default, and all that it has before version 16
	scramSaltLength = 16   // bytes
)

// hashPassword is the password the way the server would store it. Hashing it here keeps it out of the server's log.
func hashPassword(ctx context.Context, q querier, role, password string) (string, error) {
	if isHash(password) {
		return password, nil
	}
	var encryption string
	var iterations int
	err := q.QueryRow(ctx, `SELECT current_setting('password_encryption'),
		coalesce(current_setting('scram_iterations', true)::int, $1)`, scramIterations).Scan(&encryption, &iterations)
	if err != nil {
		return "", explain(err, "cannot read how the server stores passwords")
	}
	if encryption == "scram-sha-256" {
		salt := make([]byte, scramSaltLength)
		if _, err := rand.Read(salt); err != nil {
			return "", err
		}
		return scramHash(password, salt, iterations)
	}
	// `md5`, and what older servers call `on`.
	return md5Hash(role, password), nil
}

func isHash(password string) bool {
	return strings.HasPrefix(password, scramPrefix) || strings.HasPrefix(password, md5Prefix) && len(password) == md5Length
}

func md5Hash(role, password string) string {
	sum := md5.Sum([]byte(password + role)) //nolint:gosec // see above
	return md5Prefix + hex.EncodeToString(sum[:])
}

// scramHash is a SCRAM verifier (RFC 5803) in the form that Postgres stores.
func scramHash(password string, salt []byte, iterations int) (string, error) {
	// A password that SASLprep does not take is used as it is, as the server does.
	if prepared, err := stringprep.SASLprep.Prepare(password); err == nil {
		password = prepared
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("cannot hash the password: %w", err)
	}
	clientKey := hmacSHA256(salted, "Client Key")
	storedKey := sha256.Sum256(clientKey)
	serverKey := hmacSHA256(salted, "Server Key")
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s%d:%s$%s:%s", scramPrefix, iterations, encode(salt), encode(storedKey[:]), encode(serverKey)), nil
}

func hmacSHA256(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// matches says whether the stored hash is one of the password.
func matches(role, password, stored string) bool {
	switch {
	case isHash(password):
		return password == stored
	case strings.HasPrefix(stored, md5Prefix):
		return md5Hash(role, password) == stored
	case strings.HasPrefix(stored, scramPrefix):
		iterations, salt, ok := scramParameters(stored)
		if !ok {
			return false
		}
		hash, err := scramHash(password, salt, iterations)
		return err == nil && hash == stored
	}
	return false
}

func scramParameters(stored string) (iterations int, salt []byte, ok bool) {
	parameters, _, _ := strings.Cut(strings.TrimPrefix(stored, scramPrefix), "$")
	count, encoded, _ := strings.Cut(parameters, ":")
	iterations, err := strconv.Atoi(count)
	if err != nil {
		return 0, nil, false
	}
	salt, err = base64.StdEncoding.DecodeString(encoded)
	return iterations, salt, err == nil
}

// readPassword is the password as known if the server has that one, else the hash that it has. Where the server's is
// out of sight, or none was declared, it is what is known.
func readPassword(ctx context.Context, q querier, cfg config, role string, known values) (property.Value, error) {
	password := known.text("password")
	asKnown := known.Get("password")
	if password == "" || !cfg.superuser {
		return asKnown, nil
	}
	var visible bool
	err := q.QueryRow(ctx,
		"SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')").Scan(&visible)
	if err != nil || !visible {
		return asKnown, err
	}
	var stored string
	err = q.QueryRow(ctx,
		"SELECT coalesce(rolpassword, '') FROM pg_catalog.pg_authid WHERE rolname = $1", role).Scan(&stored)
	if errors.Is(err, pgx.ErrNoRows) {
		return property.New("").WithSecret(true), nil
	}
	if err != nil {
		return asKnown, explain(err, "cannot read the password of role %q. "+
			"Set superuser of the provider to false to do without", role)
	}
	if strings.EqualFold(password, "NULL") && stored == "" || matches(role, password, stored) {
		return asKnown, nil
	}
	return property.New(stored).WithSecret(true), nil
}
