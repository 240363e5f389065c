package upgrade_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

// stubborn is within which everything succeeds that is tried again and again.
const stubborn = 30 * time.Second

// file is one as it must be.
type file struct {
	id, name, content, value string
	words                    bool // it is processed
}

// customer uses the servers and the load balancer by turns. It touches files of its own only.
type customer struct {
	name  string
	t     testing.TB
	doors []*client.Client
	rng   *rand.Rand
	files []*file
	gone  []string // ids
	made  int

	mu       sync.Mutex
	outcomes map[string]int
}

func newCustomer(t testing.TB, number int, urls ...string) *customer {
	c := &customer{name: fmt.Sprintf("c%d", number), t: t, rng: rand.New(rand.NewPCG(uint64(number), 7)), outcomes: map[string]int{}}
	for _, url := range urls {
		c.doors = append(c.doors, client.New(url, program.RootToken, client.WithRetries(0, 0)))
	}
	return c
}

// work goes on until quit is closed, or something goes wrong.
func (c *customer) work(quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		default:
		}
		var err error
		switch dice := c.rng.IntN(10); {
		case len(c.files) == 0 || dice < 4:
			err = c.upload()
		case dice < 6:
			err = c.change(c.any())
		case dice < 9:
			err = c.read(c.any())
		default:
			err = c.remove(c.any())
		}
		if err != nil {
			c.t.Errorf("%s: %v", c.name, err)
			return
		}
	}
}

func (c *customer) any() *file { return c.files[c.rng.IntN(len(c.files))] }

// insist does something through any door until it is done. What may come in between is documented: a server that is being exchanged cannot be reached, or
// the load balancer says 503.
func (c *customer) insist(what string, do func(d *client.Client, tries int) error) error {
	for tries, began := 0, time.Now(); ; tries++ {
		err := do(c.doors[c.rng.IntN(len(c.doors))], tries)
		refused, answered := errors.AsType[*client.Error](err)
		_, broken := errors.AsType[*client.ConnectionError](err)
		switch {
		case err == nil:
			c.count("done")
			return nil
		case answered && refused.Status == http.StatusServiceUnavailable:
			c.count("503")
		case broken:
			c.count("not reached")
		default:
			return fmt.Errorf("%s: %w", what, err)
		}
		if time.Since(began) > stubborn {
			return fmt.Errorf("%s, try %d: %w", what, tries+1, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (c *customer) count(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes[outcome]++
}

func (c *customer) done() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes["done"]
}

// upload stores a file, every third one of words that are processed.
func (c *customer) upload() error {
	c.made++
	f := &file{name: fmt.Sprintf("%s-%d", c.name, c.made), value: "new", words: c.made%3 == 0}
	f.content = strings.Repeat(f.name+" ", 1+c.rng.IntN(500))
	purpose := "batch"
	if f.words {
		f.name, purpose = f.name+".txt", "user_data"
	}
	err := c.insist("upload of "+f.name, func(d *client.Client, _ int) error {
		files, err := d.Upload(c.t.Context(), client.Upload{
			Sources: []client.Source{{Name: f.name, Body: strings.NewReader(f.content), Size: int64(len(f.content))}}, Purpose: purpose,
			Metadata: json.RawMessage(`{"value":"new"}`), IdempotencyKey: f.name,
		})
		if err == nil {
			f.id = files[0].ID
		}
		return err
	})
	c.files = append(c.files, f)
	return err
}

func (c *customer) change(f *file) error {
	c.made++
	f.value = fmt.Sprintf("%s-%d", c.name, c.made)
	return c.insist("change of "+f.name, func(d *client.Client, _ int) error {
		_, err := d.PatchMetadata(c.t.Context(), f.id, json.RawMessage(`{"value":"`+f.value+`"}`))
		return err
	})
}

// read expects the file as it was left, through whichever door.
func (c *customer) read(f *file) error {
	return c.insist("read of "+f.name, func(d *client.Client, _ int) error {
		found, err := d.Get(c.t.Context(), f.id)
		if err != nil {
			return err
		}
		if want := `{"value":"` + f.value + `"}`; string(found.Metadata) != want || found.Filename != f.name {
			return fmt.Errorf("it is %s with %s, want %s", found.Filename, found.Metadata, want)
		}
		content, err := d.Content(c.t.Context(), f.id, client.ContentOptions{})
		if err != nil {
			return err
		}
		got, err := io.ReadAll(content.Body)
		if err = errors.Join(err, content.Body.Close()); err != nil {
			return &client.ConnectionError{Err: err}
		}
		if !bytes.Equal(got, []byte(f.content)) {
			return errors.New("it has other bytes")
		}
		return nil
	})
}

func (c *customer) remove(f *file) error {
	c.files = slices.DeleteFunc(c.files, func(other *file) bool { return other == f })
	c.gone = append(c.gone, f.id)
	return c.insist("deletion of "+f.name, func(d *client.Client, tries int) error {
		err := d.Delete(c.t.Context(), f.id)
		refused, ok := errors.AsType[*client.Error](err)
		if ok && refused.Status == http.StatusNotFound && tries > 0 { // the first try did it, and its answer was lost
			return nil
		}
		return err
	})
}
