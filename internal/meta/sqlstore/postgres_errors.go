package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// The codes of PostgreSQL's errors that mean something here.
const (
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeUnique        = "23505" // two inserted the same at one moment; whoever runs again sees what the other one made
	codeDiskFull      = "53100"
	codeReadOnly      = "25006"
	codeLockTimeout   = "55P03"
	codeIdle          = "25P03" // idle_in_transaction_session_timeout
	classConnection   = "08"
	classResources    = "53" // too many connections, out of memory
	classOperator     = "57" // a statement was cancelled, the server shuts down or starts
)

// postgresError gives PostgreSQL's errors the meaning that the contract has for them. Others stay as they are.
func postgresError(err error) error {
	if err == nil || errors.Is(err, meta.ErrNoSpace) || satchel.CodeOf(err) == satchel.CodeUnavailable {
		return err
	}
	if told, ok := errors.AsType[*pgconn.PgError](err); ok {
		return toldError(told, err)
	}
	if lostConnection(err) {
		return unavailable(err)
	}
	return err
}

func toldError(told *pgconn.PgError, err error) error {
	code := told.Code
	switch {
	case code == codeDiskFull:
		return fmt.Errorf("%w: %w", meta.ErrNoSpace, err)
	case code == codeReadOnly, code == codeLockTimeout, code == codeIdle, strings.HasPrefix(code, classConnection),
		strings.HasPrefix(code, classResources), strings.HasPrefix(code, classOperator):
		return unavailable(err)
	}
	return err
}

// undoneByOthers reports whether a transaction that is run again may well succeed.
func undoneByOthers(err error) bool {
	told, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (told.Code == codeSerialization || told.Code == codeDeadlock || told.Code == codeUnique)
}

// lostConnection reports whether the database could not be reached, or not any more, or did not answer in time.
func lostConnection(err error) bool {
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "conn closed")
}
