package ratelimit

import (
	"strconv"
	"testing"
	"time"
)

// clock is a time that tests turn.
type clock struct{ time.Time }

func newClock() *clock                { return &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }
func (c *clock) now() time.Time       { return c.Time }
func (c *clock) turn(d time.Duration) { c.Time = c.Add(d) }

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"50/s": {50, time.Second}, " 3000 / m ": {3000, time.Minute}, "1/h": {1, time.Hour}, "": {}, "0": {}, "1000000/s": {1_000_000, time.Second},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want || got.Limited() != (want.Times > 0) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if again, err := ParseRate(got.String()); err != nil || again != want {
			t.Errorf("%q is written %q, which is %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"50", "50/", "/s", "-1/s", "0/s", "1.5/s", "50/d", "50/s/s", "1000001/s", "many/s"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"50/s", "3000/m", "0", "", "x/y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			return
		}
		if again, err := ParseRate(r.String()); err != nil || again != r {
			t.Errorf("%q is %v, and then %v, %v", text, r, again, err)
		}
	})
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := NewBuckets(Rate{2, time.Second}, c.now)
	take := func(key string, ok bool, want State) {
		t.Helper()
		if state, got := b.Take(key); got != ok || state != want {
			t.Errorf("%s: %v, %+v; want %v, %+v", key, got, state, ok, want)
		}
		if state := b.State(key); state != want {
			t.Errorf("%s is %+v; want %+v", key, state, want)
		}
	}
	const half = time.Second / 2
	take("a", true, State{Limit: 2, Remaining: 1, Reset: half})
	take("a", true, State{Limit: 2, Reset: 2 * half, Retry: half})
	take("a", false, State{Limit: 2, Reset: 2 * half, Retry: half})
	take("b", true, State{Limit: 2, Remaining: 1, Reset: half})
	c.turn(half / 2)
	take("a", false, State{Limit: 2, Reset: 3 * half / 2, Retry: half / 2})
	c.turn(half / 2)
	take("a", true, State{Limit: 2, Reset: 2 * half, Retry: half})
	c.turn(time.Hour)
	take("a", true, State{Limit: 2, Remaining: 1, Reset: half})
	c.turn(-time.Hour) // a clock that is set back takes nothing away
	if _, ok := b.Take("a"); !ok {
		t.Error("refused after the clock was set back")
	}
	if state := b.State("new"); state != (State{Limit: 2, Remaining: 2}) {
		t.Errorf("a new one is %+v", state)
	}
}

// Whoever was not heard of for long is forgotten, whoever asks goes on being known.
func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	b := NewBuckets(Rate{1, time.Hour}, newClock().now)
	for i := range remembered + 10 {
		if _, ok := b.Take(strconv.Itoa(i)); !ok {
			t.Fatalf("%d is refused", i)
		}
		if _, ok := b.Take("0"); i > 0 && ok {
			t.Fatalf("the first was forgotten at %d", i)
		}
	}
	if n := b.keys.Len(); n != remembered {
		t.Errorf("%d are known", n)
	}
	if _, ok := b.Take("1"); !ok {
		t.Error("the one that was heard of the longest time ago is still known")
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	c := newClock()
	g := NewGuard(Rate{2, time.Hour}, c.now)
	for i, want := range []bool{true, true, false} {
		if _, ok := g.Failed("a", "wrong "+strconv.Itoa(i)); ok != want {
			t.Errorf("failure %d: %v", i, ok)
		}
	}
	for _, check := range []struct {
		address, secret string
		refused         bool
	}{{"a", "wrong 0", true}, {"a", "wrong 2", true}, {"a", "unseen", false}, {"b", "wrong 0", false}} {
		if state, refused := g.Refuses(check.address, check.secret); refused != check.refused || refused && state.Retry != time.Hour/2 {
			t.Errorf("%s, %s: %v, %+v", check.address, check.secret, refused, state)
		}
	}
	c.turn(rememberedFor)
	if _, refused := g.Refuses("a", "wrong 0"); refused {
		t.Error("a wrong secret is known for too long")
	}
}
