// Package backup_test has the programs of deploy/backup take backups of a cluster that is in use, and bring them back.
package backup_test

import (
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// TestMain builds the program.
func TestMain(m *testing.M) { program.Main(m, program.BuildIn) }
