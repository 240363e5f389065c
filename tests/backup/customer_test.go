package backup_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

// plenty is how many files a customer keeps at most: how long the test takes must not depend on how long a backup does.
const plenty = 50

// span is when something was asked for and when it was acknowledged; zero: never.
type span struct{ asked, acknowledged time.Time }

// write is a value that a file's metadata were given.
type write struct {
	span
	value string
}

// history is what a file's only user knows of it.
type history struct {
	id, name string
	size     int
	hash     string
	writes   []write // the first is the upload
	deletion span
}

// customer uploads, changes and deletes files, one thing after the other.
type customer struct {
	name  string
	t     testing.TB
	to    *client.Client
	rng   *rand.Rand
	files []*history // deleted ones, too
	done  int
}

func newCustomer(t testing.TB, number int, url string) *customer {
	return &customer{
		name: fmt.Sprintf("c%d", number), t: t, to: client.New(url, program.RootToken, client.WithRetries(0, 0)),
		rng: rand.New(rand.NewPCG(uint64(number), 1)),
	}
}

// work goes on until quit is closed.
func (c *customer) work(quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		default:
		}
		there := slices.DeleteFunc(slices.Clone(c.files), func(h *history) bool { return !h.deletion.asked.IsZero() })
		var err error
		switch dice := c.rng.IntN(10); {
		case len(there) == 0 || dice < 5 && len(there) < plenty:
			err = c.upload()
		case dice < 8:
			err = c.change(there[c.rng.IntN(len(there))])
		default:
			err = c.remove(there[c.rng.IntN(len(there))])
		}
		if err != nil {
			c.t.Errorf("%s: %v", c.name, err)
			return
		}
		c.done++
	}
}

// upload stores a file: mostly bytes, sometimes words that are read, and sometimes so many bytes that a bucket gets them in parts.
func (c *customer) upload() error {
	h := &history{name: fmt.Sprintf("%s-%d", c.name, len(c.files)), size: c.rng.IntN(20_000)}
	purpose := "batch"
	switch dice := c.rng.IntN(100); {
	case dice < 10:
		purpose, h.name = "user_data", h.name+".txt"
	case dice < 13:
		h.size += 6 << 20
	}
	body := bytes.Repeat([]byte(h.name+" "), h.size/(len(h.name)+1)+1)
	sum := sha256.Sum256(body)
	h.size, h.hash = len(body), hex.EncodeToString(sum[:])
	c.files = append(c.files, h)
	return c.give(h, h.name, func(metadata json.RawMessage) error {
		files, err := c.to.Upload(c.t.Context(), client.Upload{
			Sources: []client.Source{{Name: h.name, Body: bytes.NewReader(body), Size: int64(len(body))}}, Purpose: purpose, Metadata: metadata,
		})
		if err == nil {
			h.id = files[0].ID
		}
		return err
	})
}

func (c *customer) change(h *history) error {
	return c.give(h, fmt.Sprint(c.done), func(metadata json.RawMessage) error {
		_, err := c.to.PatchMetadata(c.t.Context(), h.id, metadata)
		return err
	})
}

// give notes when a value was written.
func (c *customer) give(h *history, value string, do func(metadata json.RawMessage) error) error {
	w := write{span{asked: time.Now()}, value}
	err := do(json.RawMessage(`{"value":"` + value + `"}`))
	w.acknowledged = time.Now()
	h.writes = append(h.writes, w)
	return err
}

func (c *customer) remove(h *history) error {
	h.deletion.asked = time.Now()
	err := c.to.Delete(c.t.Context(), h.id)
	h.deletion.acknowledged = time.Now()
	return err
}

// must says whether a backup that was taken in a span has a file, and whether it may have it.
func (h *history) must(backup span) (must, may bool) {
	upload := h.writes[0]
	must = upload.acknowledged.Before(backup.asked) && (h.deletion.asked.IsZero() || h.deletion.asked.After(backup.acknowledged))
	gone := !h.deletion.asked.IsZero() && h.deletion.acknowledged.Before(backup.asked)
	return must, upload.asked.Before(backup.acknowledged) && !gone
}

// values are those that a backup may have: the last one that was acknowledged before it, or one that was written meanwhile.
func (h *history) values(backup span) (values []string) {
	for n, w := range h.writes {
		superseded := n+1 < len(h.writes) && h.writes[n+1].acknowledged.Before(backup.asked)
		if w.asked.Before(backup.acknowledged) && !superseded {
			values = append(values, w.value)
		}
	}
	return values
}

// valueOf reads what was given.
func valueOf(file *api.File) string {
	var metadata struct{ Value string }
	_ = json.Unmarshal(file.Metadata, &metadata) // without a value it is none that was given
	return metadata.Value
}
