package cluster_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

const (
	firstValue = "0"
	slowest    = time.Minute     // within which what is tried, of two requests at most, has an answer or a broken connection
	plenty     = 200             // files that a customer keeps at most: a long run must not fill the disk
	stubborn   = 2 * time.Minute // within which everything succeeds that is tried again and again
)

// tally counts what several customers were answered, and keeps what must not be.
type tally struct {
	mu         sync.Mutex
	outcomes   map[string]int
	longest    time.Duration
	complaints []string
	noRoom     bool      // a disk is full
	roomSince  time.Time // the zero time: none ever was
}

// full says that a disk is full, or is not any more, and gives how often clients were told so.
func (a *tally) full(now bool) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noRoom, a.roomSince = now, time.Now()
	return a.outcomes[noRoom]
}

// refusals gives how often clients were told that a disk is full.
func (a *tally) refusals() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.outcomes[noRoom]
}

// noRoom is the outcome of a request for which there was no room.
const noRoom = "507"

// wasFull reports whether a disk was at any moment since a time.
func (a *tally) wasFull(since time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.noRoom || since.Before(a.roomSince)
}

func (a *tally) count(outcome string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcomes[outcome]++
	a.longest = max(a.longest, took)
}

func (a *tally) complain(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.complaints = append(a.complaints, fmt.Sprintf(format, args...))
}

func (a *tally) report(t testing.TB) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, complaint := range a.complaints[:min(20, len(a.complaints))] {
		t.Error(complaint)
	}
	if a.longest > slowest {
		t.Errorf("the slowest request took %s", a.longest)
	}
	t.Logf("requests: %v, the slowest %s; %d complaints", a.outcomes, a.longest, len(a.complaints))
}

// known is a file as it must be.
type known struct {
	id, name string
	value    string // of its metadata
	seed     uint64 // of its content, which would need too much room
	size     int
	text     bool
}

func (k *known) content() []byte { return content(k.seed, k.size, k.text) }

// customer uses a cluster through all its doors, and does everything again until it is acknowledged. It touches files of its own only, so that it knows
// what they must be, and a few that all customers share, for the history.
type customer struct {
	number  int
	name    string
	doors   []*client.Client // the servers and the load balancer
	header  http.Header      // of the last answer
	rng     *rand.Rand
	tally   *tally
	history *history
	shared  []string // ids

	files []*known
	gone  []string // ids whose deletion was acknowledged
	made  int
	done  int // changes that were acknowledged
}

// newCustomer makes a customer of an installation.
func newCustomer(i *installation, number int, seed uint64, a *tally, h *history, shared []string) *customer {
	c := &customer{
		number: number, name: fmt.Sprintf("c%d", number), rng: rand.New(rand.NewPCG(seed, uint64(number))), tally: a, history: h, shared: shared, header: http.Header{},
	}
	remember := client.WithOnResponse(func(r *http.Response) { c.header = r.Header })
	for _, url := range []string{i.Servers[0].URL, i.Servers[1].URL, i.URL(), i.URL()} {
		c.doors = append(c.doors, client.New(url, program.RootToken, client.WithRetries(0, 0), remember))
	}
	return c
}

// work does one thing after the other until quit is closed. What is under way then comes to its end.
func (c *customer) work(ctx context.Context, quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		default:
		}
		switch dice := c.rng.IntN(100); {
		case dice < 15:
			c.share(ctx)
		case len(c.files) == 0 || dice < 50 && len(c.files) < plenty:
			c.create(ctx)
		case dice >= 50 && dice < 70:
			c.change(ctx)
		case dice >= 70 && dice < 85:
			c.read(ctx)
		default:
			c.remove(ctx)
		}
	}
}

// attempt does something once, through any door, and judges the answer: again says that it may be tried again. A customer who is impatient hangs up after
// that time, so that what is done all the same is not known.
func (c *customer) attempt(ctx context.Context, what string, impatient time.Duration, do func(context.Context, *client.Client) error) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(impatient, 2*slowest))
	defer cancel()
	began := time.Now()
	c.header = http.Header{}
	err = do(ctx, c.doors[c.rng.IntN(len(c.doors))])
	took := time.Since(began)
	var refused *client.Error
	var broken *client.ConnectionError
	switch {
	case err == nil:
		c.tally.count("ok", took)
		return false, nil
	case impatient > 0 && ctx.Err() != nil:
		c.tally.count("hung up", took)
		return true, err
	case errors.As(err, &refused) && (refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusTooManyRequests):
		c.tally.count(fmt.Sprint(refused.Status), took)
		if c.header.Get("Retry-After") == "" {
			c.tally.complain("%s: %v, without retry-after", what, err)
		}
		return true, err
	case errors.As(err, &refused) && refused.Status == http.StatusInsufficientStorage && c.tally.wasFull(began):
		c.tally.count(noRoom, took)
		if c.header.Get("X-Should-Retry") != "false" {
			c.tally.complain("%s: %v, and the SDKs would send it again and again", what, err)
		}
		return true, err
	case errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF):
		c.tally.count("broken", took)
		return true, err
	}
	c.tally.count("refused", took)
	return false, err
}

// insist does something until it is acknowledged, and says whether it was; tries are those before.
func (c *customer) insist(ctx context.Context, what string, do func(ctx context.Context, d *client.Client, tries int) error) bool {
	const pause = 200 * time.Millisecond
	for tries, began := 0, time.Now(); ; tries++ {
		var impatient time.Duration
		if tries == 0 && c.rng.IntN(8) == 0 {
			impatient = time.Duration(1+c.rng.IntN(20_000)) * time.Microsecond
		}
		again, err := c.attempt(ctx, what, impatient, func(ctx context.Context, d *client.Client) error { return do(ctx, d, tries) })
		switch {
		case err == nil:
			c.done++
			return true
		case !again || time.Since(began) > stubborn:
			c.tally.complain("%s, try %d: %v", what, tries+1, err)
			return false
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// create uploads a file: mostly one with nothing to process, sometimes a document, sometimes one that goes to the bucket in parts.
func (c *customer) create(ctx context.Context) {
	c.made++
	purpose, k := "batch", &known{name: fmt.Sprintf("%s-%d", c.name, c.made), value: firstValue, seed: c.rng.Uint64(), size: c.rng.IntN(20_000)}
	switch dice := c.rng.IntN(100); {
	case dice < 15:
		purpose, k.text, k.size = "user_data", true, 1+c.rng.IntN(5_000)
		k.name += ".txt"
	case dice < 18:
		k.size = 5<<20 + c.rng.IntN(6<<20)
	}
	body := k.content()
	made := c.insist(ctx, "upload of "+k.name, func(ctx context.Context, d *client.Client, _ int) error {
		files, err := d.Upload(ctx, client.Upload{
			Sources: []client.Source{{Name: k.name, Body: bytes.NewReader(body), Size: int64(len(body))}}, Purpose: purpose,
			Metadata: valued(firstValue), IdempotencyKey: k.name,
		})
		if err == nil {
			k.id = files[0].ID
		}
		return err
	})
	if made {
		c.files = append(c.files, k)
	}
}

// valued is metadata with one value.
func valued(value string) json.RawMessage { return json.RawMessage(`{"value":"` + value + `"}`) }

// valueOf reads what valued wrote.
func valueOf(file *api.File) string {
	var metadata struct{ Value string }
	_ = json.Unmarshal(file.Metadata, &metadata) // other metadata have no value
	return metadata.Value
}

func (c *customer) change(ctx context.Context) {
	c.made++
	k, value := c.files[c.rng.IntN(len(c.files))], fmt.Sprintf("%s-%d", c.name, c.made)
	if c.insist(ctx, "change of "+k.name, func(ctx context.Context, d *client.Client, _ int) error {
		_, err := d.PatchMetadata(ctx, k.id, valued(value))
		return err
	}) {
		k.value = value
	}
}

// read expects what was acknowledged, whichever door it goes through.
func (c *customer) read(ctx context.Context) {
	k := c.files[c.rng.IntN(len(c.files))]
	c.insist(ctx, "read of "+k.name, func(ctx context.Context, d *client.Client, _ int) error {
		file, err := d.Get(ctx, k.id)
		if err != nil {
			return err
		}
		if valueOf(file) != k.value || file.Filename != k.name {
			c.tally.complain("%s is %s with %s, want %s", k.name, file.Filename, file.Metadata, k.value)
		}
		return c.compare(ctx, d, k)
	})
}

// compare reads a file's bytes. An error says that they did not come.
func (c *customer) compare(ctx context.Context, d *client.Client, k *known) error {
	found, err := d.Content(ctx, k.id, client.ContentOptions{})
	if err != nil {
		return err
	}
	got, err := io.ReadAll(found.Body)
	if err = errors.Join(err, found.Body.Close()); err != nil {
		return &client.ConnectionError{Err: err}
	}
	if want := k.content(); !bytes.Equal(got, want) {
		c.tally.complain("%s has %d bytes, or other ones; want %d", k.name, len(got), len(want))
	}
	return nil
}

func (c *customer) remove(ctx context.Context) {
	n := c.rng.IntN(len(c.files))
	k := c.files[n]
	removed := c.insist(ctx, "deletion of "+k.name, func(ctx context.Context, d *client.Client, tries int) error {
		err := d.Delete(ctx, k.id)
		if tries > 0 && isStatus(err, http.StatusNotFound) { // the first try did it, and its answer was lost
			return nil
		}
		return err
	})
	if removed {
		c.files = slices.Delete(c.files, n, n+1)
		c.gone = append(c.gone, k.id)
	}
}

// share reads or writes a file that all customers have, once, and notes what came of it.
func (c *customer) share(ctx context.Context) {
	c.made++
	a := access{register: c.shared[c.rng.IntN(len(c.shared))], write: c.rng.IntN(3) == 0, value: fmt.Sprintf("%s-%d", c.name, c.made)}
	read, began := "", c.history.now()
	again, err := c.attempt(ctx, "a shared file", 0, func(ctx context.Context, d *client.Client) error {
		if a.write {
			_, err := d.PatchMetadata(ctx, a.register, valued(a.value))
			return err
		}
		file, err := d.Get(ctx, a.register)
		if err == nil {
			read = valueOf(file)
		}
		return err
	})
	c.history.note(c.number, began, a, read, err == nil)
	if err != nil && !again {
		c.tally.complain("a shared file: %v", err)
	}
}
