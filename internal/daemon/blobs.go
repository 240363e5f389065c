package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
)

// downloadsRedirect has downloads go to the bucket.
const downloadsRedirect = "redirect"

// checkBlobs checks where the bytes are to lie, one line for each fault. Nothing is asked yet.
func (c Config) checkBlobs() error {
	var faults []error
	switch scheme, _, _ := strings.Cut(c.Blobs, ":"); {
	case c.Blobs == "":
	case scheme == s3blob.Scheme:
		_, err := s3blob.ParsePlace(c.Blobs)
		faults = each(err)
	default:
		_, err := folderOf(c.Blobs)
		faults = each(err)
	}
	for i, fault := range faults {
		faults[i] = fmt.Errorf("blobs: %w", fault)
	}
	if c.Downloads == downloadsRedirect && !strings.HasPrefix(c.Blobs, s3blob.Scheme+":") {
		faults = append(faults, errors.New("downloads: only a bucket can be redirected to; set SATCHEL_BLOBS to s3://bucket/prefix, or leave downloads at stream"))
	}
	faults = append(faults, checkWord("downloads", c.Downloads, "stream", downloadsRedirect))
	return errors.Join(append(faults, checkCount("S3 memory", int64(c.S3Memory), s3blob.LeastMemory, 1<<40))...)
}

// each gives the errors that were joined.
func each(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// folderOf gives the folder that a file URL names.
func folderOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "file" || u.Host != "" || !filepath.IsAbs(u.Path) || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("it is no place for bytes; write file:///folder, or s3://bucket/prefix?endpoint=https://host:port&region=name")
	}
	return filepath.Clean(u.Path), nil
}

// openBlobs opens the place of the bytes, and makes sure that it is the one to which the rows belong. Only a server takes a new one.
func (s *stores) openBlobs(ctx context.Context, c Config, take bool) (err error) {
	if s.blobs, err = newBlobs(ctx, c); err != nil {
		return fmt.Errorf("open the blobs: %w", err)
	}
	if turns, ok := s.rows.(meta.Turns); ok && take { // servers that start at once must not each give the place a name
		end, err := waitTurn(ctx, turns)
		if err != nil {
			return err
		}
		defer end()
	}
	return s.own(ctx, c.Blobs, take)
}

// waitTurn waits until no other process looks at whose the bytes are.
func waitTurn(ctx context.Context, turns meta.Turns) (end func(), err error) {
	const turn, pause, patience = "place of the blobs", 50 * time.Millisecond, time.Minute
	for until := time.Now().Add(patience); ; {
		end, ok, err := turns.TryTurn(ctx, turn)
		switch {
		case err != nil:
			return nil, fmt.Errorf("open the blobs: %w", err)
		case ok:
			return end, nil
		case time.Now().After(until):
			return nil, errors.New("open the blobs: another server has been looking at whose they are for a minute; start again")
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func newBlobs(ctx context.Context, c Config) (blob.Store, error) {
	if c.Blobs == "" {
		return diskblob.Open(filepath.Join(c.Data, blobFolder))
	}
	if folder, err := folderOf(c.Blobs); err == nil {
		return diskblob.Open(folder)
	}
	place, err := s3blob.ParsePlace(c.Blobs)
	if err != nil {
		return nil, err
	}
	return s3blob.Open(ctx, s3blob.Options{Place: place, Memory: int64(c.S3Memory)})
}

// own compares the name that the rows have for the place of their bytes with the one that stands there. A sweep removes what the rows do not name: in
// the place of another installation that would be everything. The data folder's own blobs are never given a name, since they go where the
// rows go, but they must not be taken for bytes that lie elsewhere.
func (s *stores) own(ctx context.Context, place string, take bool) error {
	claimer, ok := s.blobs.(blob.Claimer)
	if !ok {
		return nil
	}
	mark, err := s.rows.Mark(ctx, maintain.MarkPlace)
	if err != nil {
		return fmt.Errorf("read where the blobs lie: %w", err)
	}
	name, known, _ := strings.Cut(mark, " ")
	if name == "" && place == "" {
		return nil
	}
	found, err := claimer.Claim(ctx, "")
	switch {
	case err != nil:
		return fmt.Errorf("open the blobs: %w", err)
	case name != "" && found == name:
		return nil
	case name != "" && (found != "" || !strings.HasSuffix(known, claiming)):
		return fmt.Errorf("the bytes of this installation lie in %s, and not in %s: set SATCHEL_BLOBS to where they are; "+
			"if they were moved, the object or file named owner must have been moved along", strings.TrimSuffix(known, claiming), placeName(place))
	case name == "" && found != "":
		return fmt.Errorf("what is in %s belongs to another installation: its files would be removed; name another place", placeName(place))
	case !take:
		return fmt.Errorf("no server of this installation has used %s yet: start one with SATCHEL_BLOBS, or leave it out if the bytes are in the data folder", placeName(place))
	}
	return s.claim(ctx, claimer, name, place)
}

// claiming ends the mark of a place for as long as it is not known that the place was claimed.
const claiming = " (claiming)"

// claim makes the place the rows' own. The rows know its name first: a start that is interrupted is finished by the next one.
func (s *stores) claim(ctx context.Context, claimer blob.Claimer, name, place string) error {
	if err := s.holds(ctx, place); err != nil {
		return err
	}
	if name == "" {
		name = rand.Text()
	}
	return s.sign(ctx, claimer, name, place)
}

// sign leaves a name in the place and in the rows.
func (s *stores) sign(ctx context.Context, claimer blob.Claimer, name, place string) error {
	if err := s.rows.SetMark(ctx, maintain.MarkPlace, name+" "+place+claiming); err != nil {
		return fmt.Errorf("note where the blobs lie: %w", err)
	}
	owner, err := claimer.Claim(ctx, name)
	if err == nil && owner != name {
		err = fmt.Errorf("another installation took %s at the same moment", placeName(place))
	}
	if err != nil {
		return fmt.Errorf("open the blobs: %w", err)
	}
	if err := s.rows.SetMark(ctx, maintain.MarkPlace, name+" "+place); err != nil {
		return fmt.Errorf("note where the blobs lie: %w", err)
	}
	return nil
}

// sampled is how many of the oldest objects are looked for, until one is found.
const sampled = 20

// holds looks whether an object that the rows name is there: an installation that had its bytes in its data folder must have been copied.
func (s *stores) holds(ctx context.Context, place string) error {
	var after satchel.BlobID
	for missing := 0; missing < sampled; {
		rows, err := s.rows.Blobs(ctx, after, sampled)
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		for _, row := range rows {
			after = row.ID
			if row.Doomed {
				continue
			}
			if found, err := s.has(ctx, row.ID); found || err != nil {
				return err
			}
			missing++
		}
		if len(rows) < sampled && missing == 0 {
			return nil // no row names anything
		}
		if len(rows) < sampled {
			break
		}
	}
	return fmt.Errorf("the bytes of this installation's files are not in %s: copy everything below the data folder's blobs/ there first", placeName(place))
}

func (s *stores) has(ctx context.Context, id satchel.BlobID) (bool, error) {
	object, err := s.blobs.Open(ctx, blob.Key(id))
	switch {
	case errors.Is(err, blob.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("open the blobs: %w", err)
	}
	return true, object.Close()
}

// placeName names a place for people.
func placeName(place string) string {
	if place == "" {
		return "the data folder"
	}
	return place
}
