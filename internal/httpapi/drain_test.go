package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// deadlines is a connection that notes until when it is read.
type deadlines struct {
	*httptest.ResponseRecorder
	last time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.last = t
	return nil
}

// TestDrainGivesUp: of a refused request no read waits beyond the time for draining, however long the connection may otherwise stand still.
func TestDrainGivesUp(t *testing.T) {
	for name, read := range map[string]int{"before anything is read": 0, "in the middle of a body": 100} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/files", strings.NewReader(strings.Repeat("x", 1000)))
		c := newCall(w, r, &route{}, time.Hour)
		if _, err := r.Body.Read(make([]byte, read)); err != nil {
			t.Fatal(err)
		}
		c.drain(10)
		if w.last.IsZero() || w.last.After(time.Now().Add(drainTime)) {
			t.Errorf("%s: it is read until %s", name, w.last)
		}
	}
}
