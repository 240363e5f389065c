package s3blob

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/satchel-files/satchel/internal/blob"
)

// pageSize is how many entries the server gives at once, and how many are in memory.
const pageSize = 1000

// List asks for the unfinished uploads first and for the objects then: an upload that is completed meanwhile may be seen as both, but is not
// missed. What has no key that blob.Key gives is not the store's, and is not listed.
func (s *Store) List(ctx context.Context, prefix string, visit func(blob.Entry) error) error {
	if folder, trimmed := strings.CutSuffix(prefix, "/"); prefix != "" && (!trimmed || !fs.ValidPath(folder) || folder == ".") {
		return fmt.Errorf("s3blob: list: %q is not a prefix of keys", prefix)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.listUploads(ctx, prefix, visit); err != nil {
		return err
	}
	return s.listObjects(ctx, prefix, visit)
}

func (s *Store) listObjects(ctx context.Context, prefix string, visit func(blob.Entry) error) error {
	noOwner := false
	options := minio.ListObjectsOptions{Prefix: s.place.Prefix + prefix, Recursive: true, MaxKeys: s.page, FetchOwner: &noOwner}
	for found := range s.server.ListObjectsIter(ctx, s.place.Bucket, options) {
		if found.Err != nil {
			return failure(ctx, "list", found.Err)
		}
		key := strings.TrimPrefix(found.Key, s.place.Prefix)
		if _, ok := blob.ID(key); !ok {
			continue
		}
		if err := visit(blob.Entry{Key: key, Size: found.Size, Modified: found.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err() // the iterator ends silently with it
}

// listUploads visits every key with unfinished uploads once.
func (s *Store) listUploads(ctx context.Context, prefix string, visit func(blob.Entry) error) error {
	var last blob.Entry // uploads of one key follow each other
	give := func() error {
		if last.Key == "" {
			return nil
		}
		return visit(last)
	}
	var visited error
	err := s.eachUpload(ctx, s.place.Prefix+prefix, func(found minio.ObjectMultipartInfo) error {
		entry, err := s.uploadEntry(ctx, found)
		switch {
		case err != nil || entry.Key == "":
			return err
		case entry.Key == last.Key:
			last.Size += entry.Size
			last.Modified = later(last.Modified, entry.Modified)
			return nil
		}
		visited = give()
		last = entry
		return visited
	})
	if visited != nil {
		return visited
	}
	if err != nil {
		return failure(ctx, "list unfinished uploads", err)
	}
	return give()
}

// uploadEntry looks at the parts of an upload: the last of them says when it was last worked on. It has no key if the upload is not the store's, or
// is over.
func (s *Store) uploadEntry(ctx context.Context, found minio.ObjectMultipartInfo) (blob.Entry, error) {
	entry := blob.Entry{Key: strings.TrimPrefix(found.Key, s.place.Prefix), Modified: found.Initiated, Partial: true}
	if _, ok := blob.ID(entry.Key); !ok {
		return blob.Entry{}, nil
	}
	marker := 0
	for {
		page, err := s.partsPage(ctx, found, marker)
		if isGoneUpload(err) {
			return blob.Entry{}, nil
		}
		if err != nil {
			return blob.Entry{}, err
		}
		for _, p := range page.ObjectParts {
			entry.Size += p.Size
			entry.Modified = later(entry.Modified, p.LastModified)
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			return entry, nil
		}
		marker = page.NextPartNumberMarker
	}
}

func (s *Store) partsPage(ctx context.Context, of minio.ObjectMultipartInfo, marker int) (minio.ListObjectPartsResult, error) {
	asking, cancel := s.soon(ctx)
	defer cancel()
	return s.server.ListObjectParts(asking, s.place.Bucket, of.Key, of.UploadID, marker, s.page)
}

// eachUpload visits unfinished uploads whose names begin with a prefix, in the order of the names: of every name at least one. A page begins behind the
// last name of the one before; not every server can begin in the middle of a name that has several.
func (s *Store) eachUpload(ctx context.Context, prefix string, visit func(minio.ObjectMultipartInfo) error) error {
	last := ""
	for {
		page, err := s.uploadsPage(ctx, prefix, last)
		if err != nil {
			return err
		}
		for _, found := range page.Uploads {
			if err := visit(found); err != nil {
				return err
			}
		}
		if !page.IsTruncated || page.NextKeyMarker <= last {
			return ctx.Err()
		}
		last = page.NextKeyMarker
	}
}

func (s *Store) uploadsPage(ctx context.Context, prefix, after string) (minio.ListMultipartUploadsResult, error) {
	asking, cancel := s.soon(ctx)
	defer cancel()
	return s.server.ListMultipartUploads(asking, s.place.Bucket, prefix, after, "", "", s.page)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
