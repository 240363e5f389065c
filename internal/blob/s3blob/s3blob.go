// Package s3blob is a blob.Store in a bucket of Amazon S3, or of anything that speaks its protocol.
//
// An object lies under the prefix and its key. One that is smaller than a part is sent by Commit, at once; a larger one is a multipart
// upload, whose parts are sent while it is written and which Commit completes. So nothing of an object can be opened before its Commit,
// and it is durable when the server has said so. Parts are held in memory until the server has them, within one budget for all writers.
//
// Requests are few times tried again, and none waits for ever. What a request did that ended without an answer is not known: Commit then gives an
// error, Abort removes what may be there, and what it cannot remove has no row and is the sweeper's.
package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/satchel-files/satchel/internal/blob"
)

// DefaultMemory is the budget for the buffers of all writers.
const DefaultMemory = 256 * mib

const (
	defaultPatience = 30 * time.Second
	pingTime        = 5 * time.Second
	tries           = 3         // of one request
	slowest         = 128 << 10 // bytes a second: a connection that is slower for long is given up
	completePatient = 10        // times the patience: completing a large object takes a server long
)

// Options say where a store is, and what it may take.
type Options struct {
	Place    Place
	Memory   int64         // for the buffers of all writers, at least LeastMemory; 0: DefaultMemory
	Patience time.Duration // with a server that is silent; 0: 30 seconds
}

// Store keeps objects in a bucket. It is safe for concurrent use.
type Store struct {
	place    Place
	server   minio.Core // tries small requests again by itself
	sender   minio.Core // and sends content once
	patient  minio.Core // for what takes the server long
	budget   *budget
	patience time.Duration
	page     int // entries that the server is asked for at once
}

// Open gives the store at a place, after a look at whether it is there and lets us in. The keys are those of the AWS_ variables, of the shared
// credentials file, or of the machine.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Memory < LeastMemory {
		return nil, fmt.Errorf("s3blob: a budget of %d bytes is too small; it must be %d or more", o.Memory, LeastMemory)
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	s := &Store{place: o.Place, patience: o.Patience, page: pageSize, budget: newBudget(o.Memory)}
	keys, err := findKeys()
	if err != nil {
		return nil, err
	}
	for _, to := range []struct {
		core     *minio.Core
		patience time.Duration
		tries    int
	}{{&s.server, o.Patience / tries, tries}, {&s.sender, o.Patience, 1}, {&s.patient, completePatient * o.Patience, tries}} {
		core, err := connect(o.Place, keys, to.patience, to.tries)
		if err != nil {
			return nil, err
		}
		*to.core = *core
	}
	return s, s.look(ctx)
}

// findKeys looks for keys where AWS's own programs do.
func findKeys() (*credentials.Credentials, error) {
	client := &http.Client{Timeout: 5 * time.Second} // of the machine's own service, which is near or not there
	keys := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: client},
	})
	found, err := keys.GetWithContext(&credentials.CredContext{Client: client})
	if err != nil {
		return nil, fmt.Errorf("s3blob: find keys: %w", err)
	}
	if found.AccessKeyID == "" || found.SecretAccessKey == "" {
		return nil, errors.New("s3blob: there are no keys for the bucket: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws/credentials, or give the machine a role")
	}
	return keys, nil
}

// connect makes a client. Only Amazon is asked where a bucket lies; servers that are one's own rarely care.
func connect(p Place, keys *credentials.Credentials, patience time.Duration, tries int) (*minio.Core, error) {
	region := p.Region
	if region == "" && p.Endpoint.String() != amazon {
		region = "us-east-1"
	}
	core, err := minio.NewCore(p.Endpoint.Host, &minio.Options{
		Creds: keys, Secure: p.Endpoint.Scheme == "https", Region: region, Transport: newTransport(patience), MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("s3blob: %s: %w", p, err)
	}
	return core, nil
}

// look lists a little: unlike a look at the bucket alone, the server then says what is wrong.
func (s *Store) look(ctx context.Context) error {
	asking, cancel := s.soon(ctx)
	defer cancel()
	var err error
	for found := range s.server.ListObjectsIter(asking, s.place.Bucket, minio.ListObjectsOptions{Prefix: s.place.Prefix, Recursive: true, MaxKeys: 1}) {
		err = found.Err
		break
	}
	if err = errors.Join(err, asking.Err()); err == nil {
		return nil
	}
	if hint := advice(err, s.place); hint != "" && ctx.Err() == nil {
		return fmt.Errorf("s3blob: %s: %s (%w)", s.place, hint, err)
	}
	return failure(ctx, "look into "+s.place.String(), err)
}

// Ping asks the server whether the bucket is there. Whoever asks us wants to know soon.
func (s *Store) Ping(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, min(s.patience, pingTime))
	defer cancel()
	found, err := s.server.BucketExists(asking, s.place.Bucket)
	if err == nil && !found {
		err = minio.ErrorResponse{StatusCode: http.StatusNotFound, Code: minio.NoSuchBucket}
	}
	return failure(ctx, "look at "+s.place.String(), err)
}

// Delete removes an object, and every unfinished upload of it.
func (s *Store) Delete(ctx context.Context, key string) error {
	name, err := s.name(key)
	if err != nil {
		return err
	}
	return s.remove(ctx, name)
}

// remove removes what has a name. The uploads go first: one that is completed meanwhile is an object then.
func (s *Store) remove(ctx context.Context, name string) error {
	asking, cancel := s.soon(ctx)
	defer cancel()
	err := s.removeUploads(asking, name)
	if err == nil {
		err = s.server.RemoveObject(asking, s.place.Bucket, name, minio.RemoveObjectOptions{})
	}
	if isMissing(err) {
		return nil
	}
	return failure(ctx, "delete "+name, err)
}

func (s *Store) removeUploads(ctx context.Context, name string) error {
	return s.eachUpload(ctx, name, func(found minio.ObjectMultipartInfo) error {
		if found.Key != name {
			return nil
		}
		err := s.server.AbortMultipartUpload(ctx, s.place.Bucket, name, found.UploadID)
		if isGoneUpload(err) {
			return nil
		}
		return err
	})
}

// name gives the key of an object in the bucket. Only keys that blob.Key can give have one.
func (s *Store) name(key string) (string, error) {
	if _, ok := blob.ID(key); !ok {
		return "", fmt.Errorf("s3blob: %q is not the key of an object", key)
	}
	return s.place.Prefix + key, nil
}

// soon bounds a request that sends and gets little, with all of its tries.
func (s *Store) soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.patience)
}

// inTime bounds a request that sends so many bytes.
func (s *Store) inTime(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 2*s.patience+time.Duration(size/slowest)*time.Second)
}
