package s3blob

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"
)

// ownerName is the object that says whose the others are. It is no key.
const ownerName = "owner"

// maxOwner bounds what is read of it.
const maxOwner = 256

// Claim implements blob.Claimer. Of two that claim at once the server lets one in.
func (s *Store) Claim(ctx context.Context, owner string) (string, error) {
	asking, cancel := s.soon(ctx)
	defer cancel()
	current, err := s.owner(asking)
	if err != nil || current != "" || owner == "" {
		return current, failure(ctx, "look whose "+s.place.String()+" is", err)
	}
	options := minio.PutObjectOptions{}
	options.SetMatchETagExcept("*")
	err = s.putObject(asking, s.place.Prefix+ownerName, kept(owner), options)
	if err != nil && !hasCode(err, minio.PreconditionFailed) {
		return "", failure(ctx, "claim "+s.place.String(), err)
	}
	current, err = s.owner(asking)
	return current, failure(ctx, "look whose "+s.place.String()+" is", err)
}

// owner gives whose the bucket is, "" if it is nobody's.
func (s *Store) owner(ctx context.Context) (owner string, err error) {
	body, _, _, err := s.server.GetObject(ctx, s.place.Bucket, s.place.Prefix+ownerName, minio.GetObjectOptions{})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(body, maxOwner))
	return strings.TrimSpace(string(text)), err
}
