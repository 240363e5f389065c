package process

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/instruct"
	"github.com/satchel-files/satchel/internal/llm"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// tries has a step fail again and again, each time when it is to be tried again, and gives the pauses until the run is over, and how it ends.
func tries(t *testing.T, cause error) (pauses []time.Duration, failure *satchel.Failure) {
	t.Helper()
	var p progress
	now := noon()
	for range 100 {
		p = parseProgress(p.String()) // as it is stored
		again, failure := p.next(cause, now)
		if failure != nil {
			return pauses, failure
		}
		pauses = append(pauses, again.at.Sub(now))
		now = again.at
	}
	t.Fatalf("after %v it is still tried", pauses)
	return nil, nil
}

func sum(pauses []time.Duration) (all time.Duration) {
	for _, pause := range pauses {
		all += pause
	}
	return all
}

func busy(after time.Duration) error {
	return fmt.Errorf("asking: %w", &llm.Error{Kind: llm.KindBusy, Message: "the host has too much to do", RetryAfter: after})
}

func TestAModelThatStaysBusy(t *testing.T) {
	t.Parallel()
	pauses, failure := tries(t, busy(0))
	for i, want := range []float64{1, 2, 4, 8, 16, 32, 60, 60} {
		if pauses[i].Seconds() != want {
			t.Errorf("pause %d is %s, want %gs", i, pauses[i], want)
		}
	}
	if all := sum(pauses); all < 15*time.Minute || all > 16*time.Minute {
		t.Errorf("it was tried for %s", all)
	}
	if failure.Code != satchel.CodeModelUnavailable || failure.Message != "the language model cannot be used: the host has too much to do" {
		t.Errorf("%+v", failure)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{0: time.Second, 500 * time.Millisecond: time.Second, 42 * time.Second: 42 * time.Second, time.Hour: 5 * time.Minute} {
		var p progress
		again, failure := p.next(busy(asked), noon())
		if failure != nil || again.at.Sub(noon()) != want {
			t.Errorf("asked for %s, the pause is %s, %v; want %s", asked, again.at.Sub(noon()), failure, want)
		}
		details := "waiting: the language model cannot be used: the host has too much to do; next try in " + want.String()
		if again.details != details {
			t.Errorf("the details are %q", again.details)
		}
	}
	if pauses, _ := tries(t, busy(time.Hour)); len(pauses) != 3 {
		t.Errorf("the pauses are %v, want three of five minutes", pauses)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	slow := &llm.Error{Kind: llm.KindDown, Message: "no answer", Err: fmt.Errorf("post: %w", context.DeadlineExceeded)}
	for name, c := range map[string]struct {
		cause  error
		tries  int // before the run is over; -1: as long as the patience lasts
		code   satchel.Code
		saying string
	}{
		"down":      {&llm.Error{Kind: llm.KindDown, Message: "refused"}, -1, satchel.CodeModelUnavailable, "cannot be used: refused"},
		"slow":      {slow, -1, satchel.CodeModelUnavailable, "cannot be used: no answer"},
		"full disk": {satchel.Errorf(satchel.CodeInsufficientStorage, "no room"), -1, satchel.CodeInsufficientStorage, "no room"},
		"closing":   {satchel.Errorf(satchel.CodeUnavailable, "not now"), -1, satchel.CodeUnavailable, "not now"},
		"refused":   {&llm.Error{Kind: llm.KindRefused, Message: "no key"}, 0, satchel.CodeModelRefused, "refused the request: no key"},
		"too long":  {&llm.Error{Kind: llm.KindTooLong, Message: "too long"}, 0, satchel.CodeModelRefused, "too long"},
		"nonsense":  {fmt.Errorf("asking: %w", satchel.Errorf(satchel.CodeModelNonsense, "twice")), 0, satchel.CodeModelNonsense, "twice"},
		"nothing":   {satchel.Errorf(satchel.CodeNoReadableContent, "empty"), 0, satchel.CodeNoReadableContent, "empty"},
		"unknown":   {errors.New("secret"), maxUnknown - 1, satchel.CodeInternal, "its log knows more"},
		"internal":  {satchel.Errorf(satchel.CodeInternal, "secret"), maxUnknown - 1, satchel.CodeInternal, "its log knows more"},
		"conflict":  {satchel.Errorf(satchel.CodeConflict, "secret"), maxUnknown - 1, satchel.CodeInternal, "its log knows more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pauses, failure := tries(t, c.cause)
			if c.tries >= 0 && len(pauses) != c.tries || c.tries < 0 && sum(pauses) < patience {
				t.Errorf("it was tried again after %v", pauses)
			}
			if failure.Code != c.code || !strings.Contains(failure.Message, c.saying) || strings.Contains(failure.Message, "secret") {
				t.Errorf("%+v", failure)
			}
		})
	}
}

// TestAWorkerThatStops tries again at once, and does not count that.
func TestAWorkerThatStops(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, fmt.Errorf("read: %w", context.DeadlineExceeded)} {
		p := progress{Failing: noon(), Tries: 3}
		again, failure := p.next(cause, noon().Add(time.Hour))
		if failure != nil || !again.at.Equal(noon().Add(time.Hour)) || again.details != "waiting for a worker" || p.Tries != 3 {
			t.Errorf("%v: %+v, %v, %d tries", cause, again, failure, p.Tries)
		}
	}
}

// TestTimeThatNobodyTried is no time in which the model failed: the server was off.
func TestTimeThatNobodyTried(t *testing.T) {
	t.Parallel()
	var p progress
	if _, failure := p.next(busy(0), noon()); failure != nil {
		t.Fatal(failure)
	}
	again, failure := p.next(busy(0), noon().Add(10*time.Hour))
	if failure != nil || again.at.Sub(noon().Add(10*time.Hour)) != firstPause {
		t.Errorf("after a night: %+v, %v", again, failure)
	}
}

func TestProgressIsStored(t *testing.T) {
	t.Parallel()
	p := progress{Instruct: instruct.State{Next: "read", Window: 2, Details: "read 2"}, Failing: noon(), Tries: 4}
	if back := parseProgress(p.String()); back.Instruct.Window != 2 || back.Instruct.Details != "read 2" || !back.Failing.Equal(noon()) || back.Tries != 4 {
		t.Errorf("%+v", back)
	}
	for _, text := range []string{"", "{", "[]", `{"tries":"many"}`} {
		if p := parseProgress(text); p.Tries != 0 || !p.Failing.IsZero() || p.Instruct.Window != 0 {
			t.Errorf("%q: %+v", text, p)
		}
	}
}
