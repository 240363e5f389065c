package jobs

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
)

func TestPausesGrow(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 9: longest, 1000: longest} {
		job := &rivertype.JobRow{Errors: make([]rivertype.AttemptError, failures)}
		before := time.Now()
		next := pauses{first: time.Second}.NextRetry(job)
		if next.Before(before.Add(want)) || next.After(time.Now().Add(want)) {
			t.Errorf("after %d failures comes a pause of %s, want %s", failures, next.Sub(before), want)
		}
	}
}

// TestQuiet logs at each level, with attributes and groups, on a logger that shows Info.
func TestQuiet(t *testing.T) {
	var text strings.Builder
	plain := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelInfo}))
	logger := quiet(plain).With("a", 1).WithGroup("g")
	logger.Info("chatter")
	logger.Debug("chatter")
	if text.Len() != 0 {
		t.Errorf("the log has\n%s", text.String())
	}
	logger.Warn("news", "b", 2)
	if !strings.Contains(text.String(), "level=WARN msg=news a=1 g.b=2") {
		t.Errorf("the log has\n%s", text.String())
	}
	text.Reset()
	quiet(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))).Info("chatter")
	if !strings.Contains(text.String(), "level=DEBUG msg=chatter") {
		t.Errorf("at level Debug, the log has\n%s", text.String())
	}
}
