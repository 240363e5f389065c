package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// TestUnits has systemd read the units, and say how much a service that was broken into could do: 0 is nothing, 10 everything.
func TestUnits(t *testing.T) {
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	program.Must(t, err)
	if len(units) == 0 {
		t.Fatal("there are no units")
	}
	for _, unit := range units {
		t.Run(filepath.Base(unit), func(t *testing.T) { testUnit(t, unit) })
	}
}

func testUnit(t *testing.T, unit string) {
	const installed, mostExposed = "ExecStart=/usr/local/bin/satchel ", "--threshold=20" // 2.0
	text, err := os.ReadFile(unit)
	program.Must(t, err)
	if strings.Count(string(text), installed) != 1 {
		t.Fatalf("the unit does not start %q", installed)
	}
	// The program stands elsewhere here, and systemd looks for it.
	self, err := os.Executable()
	program.Must(t, err)
	here := filepath.Join(t.TempDir(), filepath.Base(unit))
	program.Must(t, os.WriteFile(here, []byte(strings.Replace(string(text), installed, "ExecStart="+self+" ", 1)), 0o600))
	for _, args := range [][]string{{"verify", "--man=no"}, {"security", "--offline=true", mostExposed}} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", append(args, here)...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}
