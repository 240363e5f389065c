package maintain_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/maintain"
)

func TestOneServerAFolder(t *testing.T) {
	folder := t.TempDir()
	wantRunning(t, folder, false)
	unlock, err := maintain.AcquireServer(folder)
	must(t, err)
	wantRunning(t, folder, true)
	if _, err := maintain.AcquireServer(folder); !errors.Is(err, maintain.ErrInUse) || !strings.Contains(err.Error(), folder) {
		t.Errorf("a second server got %v", err)
	}
	must(t, unlock())
	wantRunning(t, folder, false)
	unlock, err = maintain.AcquireServer(folder)
	must(t, err)
	must(t, unlock())
}

func wantRunning(t *testing.T, folder string, want bool) {
	t.Helper()
	running, err := maintain.ServerRunning(folder)
	if err != nil || running != want {
		t.Errorf("ServerRunning gives %v, %v; want %v", running, err, want)
	}
}

func TestServerNeedsAFolder(t *testing.T) {
	if _, err := maintain.AcquireServer(t.TempDir() + "/absent"); err == nil || errors.Is(err, maintain.ErrInUse) {
		t.Errorf("a folder that is not there gives %v", err)
	}
}

func TestBackupsAndSweeps(t *testing.T) {
	folder := t.TempDir()
	first, err := maintain.BeginBackup(t.Context(), folder)
	must(t, err)
	second, err := maintain.BeginBackup(t.Context(), folder)
	must(t, err)
	must(t, first())
	if _, ok := maintain.TryLockSweep(folder); ok {
		t.Error("a sweep begins while a backup runs")
	}
	must(t, second())
	unlock, ok := maintain.TryLockSweep(folder)
	if !ok {
		t.Fatal("a sweep does not begin after the backups")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := maintain.BeginBackup(ctx, folder); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup during a removal does not wait: %v", err)
	}
	unlock()
	third, err := maintain.BeginBackup(t.Context(), folder)
	must(t, err)
	must(t, third())
}
